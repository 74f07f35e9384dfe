package dev.collimate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.storage.ObjectStore;
import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.PrivilegedExceptionAction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.security.UserGroupInformation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShardReaderTest {

  private static final ShardSchema SCHEMA =
      new ShardSchema(List.of("chosen", "rejected"), List.of("margin"), List.of("rejected"));

  private final Configuration configuration = new Configuration();

  @TempDir Path folder;

  @Test
  void rowsComeBackAsTheyWereWritten() throws IOException {
    List<Example> rows = rows(300, 200);
    PreparedData data = write(rows.subList(0, 250), rows.subList(250, 300));

    try (ShardReader reader = reader(data, 1 << 20)) {
      assertSame(reader.read(0, 0, 250), rows.subList(0, 250));
      assertSame(reader.read(0, 120, 180), rows.subList(120, 180));
      assertSame(reader.read(1, 49, 50), rows.subList(299, 300));
      assertThat(reader.read(1, 7, 7)).isEmpty();
    }
  }

  @Test
  void rowsAreFoundByTheirNumberInTheSplit() throws IOException {
    List<Example> rows = rows(300, 20);
    PreparedData data = write(rows.subList(0, 250), List.of(), rows.subList(250, 300));

    try (ShardReader reader = reader(data, 1 << 20)) {
      assertSame(
          reader.rows(299, 0, 249, 250),
          List.of(rows.get(299), rows.get(0), rows.get(249), rows.get(250)));
    }
  }

  @Test
  void rowGroupsAreSmallSoThatScatteredReadsStayCheap() throws IOException {
    PreparedData data = write(rows(600, 2000));

    try (ShardFile file =
        ShardFile.open(
            new org.apache.hadoop.fs.Path(data.folder()),
            data.index().train().get(0),
            SCHEMA,
            SCHEMA.all(),
            configuration)) {
      assertThat(file.groups()).isGreaterThan(2);
    }
  }

  @Test
  void rowsReadAgainComeFromMemoryWhileTheyFit() throws IOException {
    List<Example> rows = rows(300, 100);
    PreparedData data = write(rows);

    try (ShardReader reader = reader(data, 1 << 20);
        ShardReader forgetful = reader(data, 0)) {
      assertThat(reader.read(0, 5, 6).get(0)).isSameAs(reader.read(0, 5, 6).get(0));
      assertSame(forgetful.read(0, 0, 300), rows);
    }
  }

  @Test
  void factsHoldEveryRowWithoutItsTokens() throws IOException {
    List<Example> rows = rows(300, 30);
    PreparedData data = write(rows.subList(0, 100), rows.subList(100, 300));

    RowFacts facts = RowFacts.load(data, PreparedData.Split.TRAIN, configuration);

    assertThat(facts.count()).isEqualTo(300);
    for (int row = 0; row < 300; row++) {
      Example example = rows.get(row);
      assertThat(facts.keyHash(row)).isEqualTo(Digest128.of(example.key()));
      assertThat(facts.contentHash(row).hex()).isEqualTo(example.contentHash());
      assertThat(facts.weight(row)).isEqualTo(example.weight());
      assertThat(facts.length("chosen", row)).isEqualTo(example.sequences().get("chosen").length());
      assertThat(facts.countedTokens("rejected", row))
          .isEqualTo(example.sequences().get("rejected").countedTokens());
      assertThat(facts.sharedTokens(row))
          .isEqualTo(Sequence.sharedTokens(List.copyOf(example.sequences().values())));
      assertThat(facts.scalar("margin", row))
          .isEqualTo(example.scalars().getOrDefault("margin", Double.NaN));
    }
  }

  @Test
  void equalRowsGiveEqualFiles() throws IOException {
    List<Example> rows = rows(300, 50);

    PreparedData data = write(rows, rows);

    assertThat(data.index().train().get(0).sha256())
        .isEqualTo(data.index().train().get(1).sha256());
  }

  @Test
  void aTruncatedShardIsNamedWithBothLengths() throws IOException {
    PreparedData data = write(rows(50, 50));
    Shard shard = data.index().train().get(0);
    byte[] bytes = Files.readAllBytes(folder.resolve(shard.file()));
    Files.write(folder.resolve(shard.file()), Arrays.copyOf(bytes, bytes.length / 2));

    try (ShardReader reader = reader(data, 1 << 20)) {
      assertThatThrownBy(() -> reader.read(0, 0, 1))
          .isInstanceOf(CollimateException.class)
          .hasMessage(
              "The shard '%s/%s' has %d bytes, the index says %d; prepare the data set again",
              folder, shard.file(), bytes.length / 2, bytes.length);
    }
  }

  @Test
  void aFlippedBitIsNoticedByThePageChecksum() throws IOException {
    PreparedData data = write(rows(50, 50));
    Path file = folder.resolve(data.index().train().get(0).file());
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes, StandardOpenOption.TRUNCATE_EXISTING);

    try (ShardReader reader = reader(data, 1 << 20)) {
      assertThatThrownBy(() -> reader.read(0, 0, 50))
          .isInstanceOf(CollimateException.class)
          .hasMessageStartingWith("The shard '%s' is damaged", file);
    }
  }

  @Test
  void aMissingShardIsNamed() throws IOException {
    PreparedData data = write(rows(5, 5));
    Path file = folder.resolve(data.index().train().get(0).file());
    Files.delete(file);

    try (ShardReader reader = reader(data, 1 << 20)) {
      assertThatThrownBy(() -> reader.read(0, 0, 1))
          .isInstanceOf(CollimateException.class)
          .hasMessage("The shard '%s' is missing; prepare the data set again", file);
    }
  }

  @Test
  void storageThatFailsSaysNothingOfTheShard() throws IOException {
    PreparedData data = write(rows(5, 5));
    Configuration failing = ObjectStore.configuration();
    failing.setBoolean(ObjectStore.READS_FAIL, true);

    try (ShardReader reader =
        new ShardReader(inStore(data), PreparedData.Split.TRAIN, failing, 1 << 20)) {
      assertThatThrownBy(() -> reader.read(0, 0, 1))
          .isInstanceOf(UncheckedIOException.class)
          .hasRootCauseMessage("connection reset");
    }
  }

  @Test
  void factsAreReadAsTheUserWhoAsks() throws Exception {
    PreparedData data = writeAll(Collections.nCopies(60, rows(3, 5)));
    Configuration configuration = ObjectStore.configuration();
    configuration.set(ObjectStore.READER, "trainer");

    RowFacts facts =
        UserGroupInformation.createRemoteUser("trainer")
            .doAs(
                (PrivilegedExceptionAction<RowFacts>)
                    () -> RowFacts.load(inStore(data), PreparedData.Split.TRAIN, configuration));

    assertThat(facts.count()).isEqualTo(180);
  }

  private PreparedData inStore(PreparedData data) {
    return new PreparedData(ObjectStore.UNKNOWN + ":" + folder, data.index());
  }

  private ShardReader reader(PreparedData data, long maxCachedTokens) {
    return new ShardReader(data, PreparedData.Split.TRAIN, configuration, maxCachedTokens);
  }

  @SafeVarargs
  private PreparedData write(List<Example>... shards) throws IOException {
    List<List<Example>> all = new ArrayList<>();
    for (List<Example> shard : shards) {
      all.add(shard);
    }
    return writeAll(all);
  }

  private PreparedData writeAll(List<List<Example>> shards) throws IOException {
    List<Shard> written = new ArrayList<>();
    for (int shard = 0; shard < shards.size(); shard++) {
      written.add(
          ShardWriter.write(
              new org.apache.hadoop.fs.Path(folder.toString(), "train-" + shard + ".parquet"),
              SCHEMA,
              shards.get(shard).stream()
                  .map(row -> new ShardRow(row, 0, "pairs.jsonl", 1, ""))
                  .iterator(),
              configuration));
    }
    return new PreparedData(
        folder.toString(),
        new PreparedData.Index(
            PreparedData.formatVersion(),
            new TreeMap<>(),
            SCHEMA.roles(),
            SCHEMA.scalars(),
            SCHEMA.marked(),
            new TreeMap<>(),
            written,
            List.of(),
            List.of(),
            new Accounting(List.of())));
  }

  /** Pairs of all shapes of masks: after the prompt, empty prompts, and turns of a conversation. */
  private static List<Example> rows(int count, int maxLength) {
    Random random = new Random(7);
    List<Example> rows = new ArrayList<>();
    for (int row = 0; row < count; row++) {
      Map<String, Sequence> sequences = new LinkedHashMap<>();
      for (String role : SCHEMA.roles()) {
        int[] ids = random.ints(1 + random.nextInt(maxLength), 0, 50_000).toArray();
        int promptLength = random.nextInt(ids.length);
        if (row % 2 == 0) {
          Arrays.setAll(ids, t -> t < promptLength ? t : ids[t]);
        }
        byte[] mask = LossRuns.usual(ids.length, promptLength);
        if (row % 3 == 0) {
          for (int t = 1; t < ids.length; t++) {
            mask[t] = (byte) random.nextInt(2);
          }
        }
        float[] marks = new float[row % 4 == 0 && SCHEMA.marked().contains(role) ? ids.length : 0];
        for (int t = 0; t < marks.length; t++) {
          marks[t] = random.nextFloat();
        }
        sequences.put(role, new Sequence(ids, promptLength, mask, marks));
      }
      rows.add(
          new Example(
              "row-" + row,
              Digest128.of("content " + row).hex(),
              row % 2 == 0 ? 1 : random.nextDouble(),
              sequences,
              row % 5 == 0 ? Map.of() : Map.of("margin", random.nextDouble())));
    }
    return rows;
  }

  private static void assertSame(List<Example> actual, List<Example> expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int row = 0; row < actual.size(); row++) {
      Example one = actual.get(row);
      Example other = expected.get(row);
      assertThat(one.key()).isEqualTo(other.key());
      assertThat(one.contentHash()).isEqualTo(other.contentHash());
      assertThat(one.weight()).isEqualTo(other.weight());
      assertThat(one.scalars()).isEqualTo(other.scalars());
      assertThat(one.sequences().keySet()).isEqualTo(other.sequences().keySet());
      one.sequences()
          .forEach(
              (role, sequence) -> {
                Sequence same = other.sequences().get(role);
                assertThat(sequence.ids()).isEqualTo(same.ids());
                assertThat(sequence.promptLength()).isEqualTo(same.promptLength());
                assertThat(sequence.lossMask()).isEqualTo(same.lossMask());
                assertThat(sequence.marks()).isEqualTo(same.marks());
              });
    }
  }
}
