package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.collimate.CollimateException;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.storage.FailingFileSystem;
import dev.collimate.storage.ObjectStore;
import dev.collimate.storage.PublishedFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Also where files stand in place, and where a rename copies. */
@ParameterizedClass
@ValueSource(strings = {"file", ObjectStore.UNKNOWN, ObjectStore.MOUNTED})
class CheckpointStoreTest {

  private static final ParameterLayout LAYOUT =
      new ParameterLayout(List.of(new ParameterLayout.Parameter("weight", List.of(300L, 300L))));

  @Parameter private String scheme;
  @TempDir private Path output;
  private final Configuration configuration = ObjectStore.configuration();
  private CheckpointStore store;

  @BeforeEach
  void open() {
    store = new CheckpointStore(directory(), configuration, /* ownership= */ () -> {});
  }

  private RunDirectory directory() {
    return new RunDirectory(scheme + ":" + output);
  }

  @Test
  void aCheckpointComesBackBitForBit() throws IOException {
    TrainingState saved = state(7);
    store.save(saved);
    TrainingState loaded = store.newest().orElseThrow();
    assertThat(loaded.progress()).isEqualTo(saved.progress());
    assertSameBits(loaded.masters(), saved.masters());
    assertThat(loaded.optimizer()).containsOnlyKeys("exp_avg", "exp_avg_sq");
    saved
        .optimizer()
        .forEach((name, vector) -> assertSameBits(loaded.optimizer().get(name), vector));
  }

  @Test
  void aCheckpointSaysWhatItHolds() throws IOException {
    store.save(state(7));
    assertThat(describe(7))
        .containsEntry("step", 7L)
        .containsEntry("parameters", 90_000L)
        .containsEntry("tensors", 1)
        .containsEntry("bytes", 3 * 90_000L * Float.BYTES);
  }

  @Test
  void aDamagedCheckpointIsNotDescribed() throws IOException {
    store.save(state(7));
    Path moments = output.resolve("checkpoints/step-7/exp_avg.f32");
    Files.write(moments, Arrays.copyOf(Files.readAllBytes(moments), 100));
    assertThatThrownBy(() -> describe(7))
        .isInstanceOf(CollimateException.class)
        .hasMessageContainingAll(
            "step-7' is damaged: exp_avg.f32 is shorter than the 360000 bytes");
  }

  private Map<String, Object> describe(long step) {
    return CheckpointStore.describe(directory().checkpoint(step).toString(), configuration);
  }

  @Test
  void aCheckpointThatFailsWhileItIsWrittenIsNone() throws IOException {
    assumeFalse(scheme.equals("file"), "local files are not made to fail");
    store.save(state(1));
    configuration.setBoolean(ObjectStore.WRITES_ARE_TORN, true);
    assertThatThrownBy(() -> store.save(state(2))).hasMessage("connection reset");
    assertThat(store.steps()).containsExactly(1L);
    configuration.setBoolean(ObjectStore.WRITES_ARE_TORN, false);
    store.save(state(2));
    assertThat(store.newest().orElseThrow().progress().step()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void aCheckpointThatFailsWhileItIsCopiedIsNone(int files) throws IOException {
    assumeTrue(scheme.equals(ObjectStore.MOUNTED), "nothing is copied elsewhere");
    store.save(state(1));
    configuration.setInt(ObjectStore.RENAME_FAILS_AFTER, files);
    assertThatThrownBy(() -> store.save(state(2))).hasMessage("connection reset");
    assertThat(output.resolve("checkpoints/step-2").resolve(CheckpointStore.INDEX)).doesNotExist();
    assertThat(store.newest().orElseThrow().progress().step()).isEqualTo(1);
    configuration.unset(ObjectStore.RENAME_FAILS_AFTER);
    store.save(state(2));
    assertThat(store.newest().orElseThrow().progress().step()).isEqualTo(2);
  }

  @Test
  void theNewestIsFoundByNumberNotByName() throws IOException {
    for (long step : List.of(9L, 10L, 2L)) {
      store.save(state(step));
    }
    assertThat(store.newest().orElseThrow().progress().step()).isEqualTo(10);
  }

  @Test
  void onlyTheNewestAreKept() throws IOException {
    for (long step = 1; step <= 4; step++) {
      store.save(state(step));
    }
    store.keepNewest(OptionalInt.of(2), 4, OptionalLong.empty());
    assertThat(store.steps()).containsExactly(4L, 3L);
  }

  @Test
  void theBestStaysInTheOldestOnesPlace() throws IOException {
    for (long step = 1; step <= 4; step++) {
      store.save(state(step));
    }
    store.keepNewest(OptionalInt.of(3), 4, OptionalLong.of(3));
    assertThat(store.steps()).as("among the newest").containsExactly(4L, 3L, 2L);
    store.keepNewest(OptionalInt.of(2), 4, OptionalLong.of(2));
    assertThat(store.steps()).containsExactly(4L, 2L);
    store.keepNewest(OptionalInt.of(1), 4, OptionalLong.of(2));
    assertThat(store.steps()).as("the last one too").containsExactly(4L, 2L);
  }

  @ParameterizedTest
  @ValueSource(strings = {"masters.f32", "exp_avg.f32", "exp_avg_sq.f32", "checkpoint.json"})
  void aFlippedBitInAnyFileSendsTheRunToTheCheckpointBefore(String file) throws IOException {
    store.save(state(1));
    store.save(state(2));
    Path damaged = output.resolve("checkpoints/step-2").resolve(file);
    byte[] bytes = Files.readAllBytes(damaged);
    bytes[bytes.length / 3] ^= 1;
    Files.write(damaged, bytes);
    assertThat(store.newest().orElseThrow().progress().step()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"masters.f32", "checkpoint.json"})
  void aTruncatedFileSendsTheRunToTheCheckpointBefore(String file) throws IOException {
    store.save(state(1));
    store.save(state(2));
    Path damaged = output.resolve("checkpoints/step-2").resolve(file);
    byte[] bytes = Files.readAllBytes(damaged);
    Files.write(damaged, java.util.Arrays.copyOf(bytes, bytes.length / 2));
    assertThat(store.newest().orElseThrow().progress().step()).isEqualTo(1);
  }

  @Test
  void aMissingFileSendsTheRunToTheCheckpointBefore() throws IOException {
    store.save(state(1));
    store.save(state(2));
    Files.delete(output.resolve("checkpoints/step-2/exp_avg.f32"));
    assertThat(store.newest().orElseThrow().progress().step()).isEqualTo(1);
  }

  @Test
  void aDamagedCheckpointIsWrittenAgainWhenItsStepComesRoundAgain() throws IOException {
    store.save(state(1));
    Path masters = output.resolve("checkpoints/step-1/masters.f32");
    Files.write(masters, new byte[4]);
    store.save(state(1));
    assertThat(store.newest().orElseThrow().progress().step()).isEqualTo(1);
  }

  @Test
  void theCheckpointJustSavedStaysBesideDamagedOnesOfLaterSteps() throws IOException {
    for (long step : List.of(1L, 2L, 3L, 8L, 9L)) {
      store.save(state(step));
    }
    Files.delete(output.resolve("checkpoints/step-8/masters.f32"));
    Files.delete(output.resolve("checkpoints/step-9/checkpoint.json"));
    store.keepNewest(OptionalInt.of(2), 3, OptionalLong.empty());
    assertThat(store.steps()).containsExactly(9L, 8L, 3L, 2L);
    assertThat(store.newest().orElseThrow().progress().step()).isEqualTo(3);
  }

  @Test
  void whereEveryCheckpointIsDamagedAPersonDecides() throws IOException {
    store.save(state(1));
    store.save(state(2));
    Files.delete(output.resolve("checkpoints/step-1/masters.f32"));
    Files.delete(output.resolve("checkpoints/step-2/exp_avg.f32"));
    assertThatThrownBy(() -> store.newest())
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "No checkpoint can be read (%s/checkpoints/step-2: exp_avg.f32 is missing); restore"
                + " one, or remove '%s/checkpoints' to train from the first step",
            directory().root(), directory().root());
  }

  @Test
  void aRemnantWithoutAnIndexIsNoCheckpoint() throws IOException {
    Files.createDirectories(output.resolve("checkpoints/step-3"));
    assertThat(store.newest()).isEmpty();
  }

  @Test
  void aFileSystemThatDoesNotAnswerIsNoDamage() throws IOException {
    store.save(state(1));
    store.save(state(2));
    Configuration configuration = new Configuration();
    FailingFileSystem.register(configuration, "exp_avg.f32");
    CheckpointStore unreachable =
        new CheckpointStore(
            new RunDirectory(FailingFileSystem.path(output)), configuration, () -> {});
    assertThatThrownBy(unreachable::newest)
        .isInstanceOf(IOException.class)
        .hasMessage("connection reset while opening exp_avg.f32");
  }

  @Test
  void theFilesOfCheckpointsAreListedAsTheirIndexesListThem() throws IOException {
    PublishedFile replica = replicas().write(2, 0, vector(5), vector(6));
    store.save(state(2, List.of(replica)));
    assertThat(store.files())
        .extracting(PublishedFile::name)
        .containsExactly(
            "checkpoints/step-2/exp_avg.f32",
            "checkpoints/step-2/exp_avg_sq.f32",
            "checkpoints/step-2/masters.f32",
            "checkpoints/replicas/step-2/replica-0.f32");
    assertThat(store.files())
        .contains(
            new PublishedFile(
                "checkpoints/replicas/step-2/replica-0.f32", replica.bytes(), replica.sha256()));
  }

  @Test
  void theMomentsOfReplicasBelongToTheirCheckpoint() throws IOException {
    ReplicaStore replicas = replicas();
    store.save(state(1, List.of(replicas.write(1, 0, vector(5), vector(6)))));
    PublishedFile second = replicas.write(2, 0, vector(7), vector(8));
    store.save(state(2, List.of(second)));
    FlatVector first = new FlatVector(LAYOUT.size());
    FlatVector squares = new FlatVector(LAYOUT.size());
    replicas.read(2, store.newest().orElseThrow().progress().replicas().get(0), first, squares);
    assertSameBits(first, vector(7));
    assertSameBits(squares, vector(8));

    Path file = output.resolve("checkpoints/replicas/step-2").resolve(second.name());
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
    assertThat(store.newest().orElseThrow().progress().step()).isEqualTo(1);
    assertThatThrownBy(() -> replicas.read(2, second, first, squares))
        .hasMessage("replica-0.f32 does not have the checksum that the synchronisation lists");
    Files.delete(file);
    assertThat(store.newest().orElseThrow().progress().step()).isEqualTo(1);
  }

  @Test
  void theMomentsOfReplicasGoWithTheirCheckpoint() throws IOException {
    for (long step = 1; step <= 2; step++) {
      store.save(state(step, List.of(replicas().write(step, 0, vector(5), vector(6)))));
    }
    store.keepNewest(OptionalInt.of(1), 2, OptionalLong.empty());
    assertThat(output.resolve("checkpoints/replicas/step-1")).doesNotExist();
    assertThat(output.resolve("checkpoints/replicas/step-2")).exists();
  }

  @Test
  void twoWorkersMayWriteTheSameReplica() throws IOException {
    PublishedFile one = replicas().write(3, 1, vector(5), vector(6));
    PublishedFile other = replicas().write(3, 1, vector(5), vector(6));
    assertThat(other).isEqualTo(one);
    try (var files = Files.list(output.resolve("checkpoints/replicas/step-3"))) {
      assertThat(files).hasSize(1);
    }
  }

  private ReplicaStore replicas() {
    return new ReplicaStore(directory(), configuration);
  }

  private static TrainingState state(long step) {
    return state(step, List.of());
  }

  private static TrainingState state(long step, List<PublishedFile> replicas) {
    return new TrainingState(
        new TrainingState.Progress(
            step,
            step / 10.0,
            "identity",
            LAYOUT,
            Map.of("threads", "1"),
            /* exact= */ true,
            List.of(0.25, 1e-300),
            new LogWindow().save(),
            replicas,
            List.of(0.5, 1.0 / 3)),
        vector(step),
        Map.of("exp_avg", vector(step + 100), "exp_avg_sq", vector(step + 200)));
  }

  private static FlatVector vector(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    FlatVector vector = new FlatVector(LAYOUT.size());
    for (long i = 0; i < vector.size(); i++) {
      vector.set(i, (float) random.nextDouble(-1, 1));
    }
    return vector;
  }

  private static void assertSameBits(FlatVector actual, FlatVector expected) {
    for (int i = 0; i < expected.blockCount(); i++) {
      assertThat(actual.block(i)).containsExactly(expected.block(i));
    }
  }
}
