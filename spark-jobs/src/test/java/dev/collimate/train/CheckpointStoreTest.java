package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointStoreTest {

  private static final ParameterLayout LAYOUT =
      new ParameterLayout(List.of(new ParameterLayout.Parameter("weight", List.of(300L, 300L))));

  @TempDir private Path output;
  private CheckpointStore store;

  @BeforeEach
  void open() {
    store =
        new CheckpointStore(
            new RunDirectory(output.toString()), new Configuration(), /* ownership= */ () -> {});
  }

  @Test
  void aCheckpointComesBackBitForBit() throws IOException {
    TrainingState saved = state(7);
    store.save(saved);
    TrainingState loaded = store.newest().orElseThrow();
    assertThat(loaded.progress()).isEqualTo(saved.progress());
    assertSameBits(loaded.masters(), saved.masters());
    assertSameBits(loaded.firstMoment(), saved.firstMoment());
    assertSameBits(loaded.secondMoment(), saved.secondMoment());
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
    return CheckpointStore.describe(
        output.resolve("checkpoints/step-" + step).toString(), new Configuration());
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
    store.keepNewest(OptionalInt.of(2));
    assertThat(store.steps()).containsExactly(4L, 3L);
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
  void theWindowOfMetricsContinues() {
    LogWindow window = new LogWindow();
    window.add(
        new LogWindow.StepReport(0.5, 1.0, 1e-3, 4, Map.of("step_seconds", 2.0)),
        new dev.collimate.learn.MetricSums());
    LogWindow restored = LogWindow.restore(window.save());
    restored.add(
        new LogWindow.StepReport(0.7, 3.0, 2e-3, 4, Map.of("step_seconds", 2.0)),
        new dev.collimate.learn.MetricSums());
    Map<String, Object> line = restored.closeAt(2, 0.5);
    assertThat(line).containsEntry("loss", 0.6).containsEntry("grad_norm", 3.0);
  }

  private static TrainingState state(long step) {
    return new TrainingState(
        new TrainingState.Progress(
            step,
            step / 10.0,
            "identity",
            LAYOUT,
            Map.of("threads", "1"),
            /* exact= */ true,
            List.of(0.25, 1e-300),
            new LogWindow().save()),
        vector(step),
        vector(step + 100),
        vector(step + 200));
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
