package dev.collimate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.config.RunConfig;
import dev.collimate.objective.TrainingSet;
import dev.collimate.text.Example;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The columns that a run's objective declares, through preparation into the shards. */
@ExtendWith(LocalSpark.class)
class PrepareColumnsTest {

  private static final TrainingSet.Model MODEL = new TrainingSet.Model(8, 2, 8, 1);

  private static final List<String> PLACES = List.of("Korea", "Brazil", "Angola");

  private final Configuration configuration = new Configuration();

  @TempDir Path folder;
  private SparkSession spark;

  @BeforeEach
  void start(SparkSession session) throws IOException {
    spark = session;
    ToyModel.write(folder.resolve("model"), 1);
  }

  @Test
  void theObjectivesNumbersReachTheDriverAndTheWorkers() throws IOException {
    write(
        pairs(
            40, n -> "\"chosen_score\": %d, \"rejected_score\": 0.5, \"margin\": 9".formatted(n)));

    PreparedData data = prepare("{name: odpo}");

    assertThat(data.index().scalars()).containsExactly("chosen_score", "rejected_score");
    RowFacts facts = RowFacts.load(data, PreparedData.Split.TRAIN, configuration);
    List<Example> rows = rows(data);
    for (int row = 0; row < rows.size(); row++) {
      double first = rows.get(row).sequences().get("chosen").ids()[0];
      assertThat(rows.get(row).scalars())
          .isEqualTo(Map.of("chosen_score", first, "rejected_score", 0.5));
      assertThat(facts.scalar("chosen_score", row)).isEqualTo(first);
    }
  }

  @Test
  void rowsWithoutARequiredNumberGoToQuarantineUnderItsName() throws IOException {
    List<String> lines = pairs(40, n -> "\"rm_margin\": " + n);
    lines.set(3, pairs(1, n -> "\"rm_margin\": null").get(0));
    lines.set(5, pairs(1, n -> "\"rm_margin\": \"high\"").get(0));
    write(lines);

    assertThatThrownBy(() -> prepare("{name: madpo}"))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("2 of 40 rows cannot be used")
        .hasMessageContaining("row 4: column 'rm_margin' is missing or null")
        .hasMessageContaining("row 6: column 'rm_margin' holds high, a finite number is expected");
  }

  @Test
  void namesAreNumberedInSortedOrderHoweverTheRowsAreSplit() throws IOException {
    List<String> lines = pairs(60, n -> "\"group\": \"%s\"".formatted(PLACES.get(n % 3)));
    write(lines);
    PreparedData data = prepare("{name: gr_dpo}");
    Collections.shuffle(lines, new Random(4));
    Files.delete(folder.resolve("pairs.jsonl"));
    for (int part = 0; part < 4; part++) {
      Files.createDirectories(folder.resolve("pairs.jsonl"));
      Files.write(
          folder.resolve("pairs.jsonl/part-" + part + ".jsonl"),
          lines.subList(part * 15, part * 15 + 15));
    }
    PreparedData split = prepare("{name: gr_dpo}", "output=" + folder.resolve("split"));

    assertThat(data.index().categories())
        .isEqualTo(
            Map.of("group", new TreeMap<>(Map.of("Angola", 20L, "Brazil", 20L, "Korea", 20L))));
    assertThat(split.index().categories()).isEqualTo(data.index().categories());
    for (Example row : rows(data)) {
      String place = PLACES.get(row.sequences().get("chosen").ids()[0] % 3);
      assertThat(row.scalars()).isEqualTo(Map.of("group", 2.0 - PLACES.indexOf(place)));
    }
    assertThat(rows(split))
        .extracting(Example::key)
        .isEqualTo(rows(data).stream().map(Example::key).toList());
    assertThat(rows(split))
        .extracting(Example::scalars)
        .isEqualTo(rows(data).stream().map(Example::scalars).toList());
  }

  @Test
  void groupsOfHeldOutRowsCountNoTrainingRows() throws IOException {
    write(pairs(20, n -> "\"group\": \"b\""));
    Files.write(folder.resolve("eval.jsonl"), pairs(5, n -> "\"group\": \"a\""));

    PreparedData data =
        prepare("{name: gr_ipo}", "data.eval=[{path: " + folder.resolve("eval.jsonl") + "}]");

    assertThat(data.trainingSet(MODEL).rows()).isEqualTo(20);
    assertThat(data.trainingSet(MODEL).names("group")).containsExactly("a", "b");
    assertThat(data.trainingSet(MODEL).sizes("group")).containsExactly(0L, 20L);
    Path index = Path.of(data.folder(), PreparedData.INDEX);
    assertThat(PreparedData.open(new org.apache.hadoop.fs.Path(data.folder()), configuration))
        .as("%s", Files.readString(index))
        .isEqualTo(data);
  }

  @Test
  void furtherSequencesStandBesideThePairs() throws IOException {
    write(pairs(20, n -> "\"prompt_violating_input_ids\": [%d, 8, 9]".formatted(n)));

    PreparedData data = prepare("{name: mapl, inter_weight: 0}");

    assertThat(data.index().roles()).containsExactly("chosen", "rejected", "chosen_violating");
    for (Example row : rows(data)) {
      int first = row.sequences().get("chosen").ids()[0];
      assertThat(row.sequences().get("chosen_violating").ids())
          .containsExactly(first, 8, 9, first % 11, 2);
    }
  }

  @Test
  void listsOfNumbersHaveTheLengthThatIsDeclared() throws IOException {
    List<String> lines = pairs(30, n -> "\"embedding\": [%d, 0.5]".formatted(n));
    lines.set(2, pairs(1, n -> "\"embedding\": [1, 2, 3]").get(0));
    write(lines);

    PreparedData data = prepare("{name: rpo_relative, embedding_size: 2}", "data.max_bad_rows=0.1");

    assertThat(data.index().scalars()).containsExactly("embedding_0", "embedding_1");
    assertThat(data.index().accounting().sources().get(0).quarantined())
        .isEqualTo(Map.of("wrong_type", 1L));
  }

  private PreparedData prepare(String objective, String... overrides) throws IOException {
    String yaml =
        """
        model: %s
        output: %s
        data: {train: [{path: %s}]}
        objective: %s
        """
            .formatted(
                folder.resolve("model"),
                folder.resolve("run"),
                folder.resolve("pairs.jsonl"),
                objective);
    RunConfig config = RunConfig.read(yaml, "run.yaml", List.of(overrides));
    return Prepare.run(spark, config, () -> {}, /* maxShardRows= */ 16);
  }

  private void write(List<String> lines) throws IOException {
    Files.write(folder.resolve("pairs.jsonl"), lines);
  }

  /** Tokenized pairs with more columns; the first token of the prompt is the pair's number. */
  private static List<String> pairs(int count, IntFunction<String> more) {
    return new ArrayList<>(
        IntStream.range(0, count)
            .mapToObj(
                n ->
                    "{\"prompt_input_ids\": [%d, 7], \"chosen_input_ids\": [%d, 2], \"rejected_input_ids\": [5, %d, 2], %s}"
                        .formatted(n, n % 11, n % 13, more.apply(n)))
            .toList());
  }

  private List<Example> rows(PreparedData data) throws IOException {
    try (ShardReader reader =
        new ShardReader(data, PreparedData.Split.TRAIN, configuration, 1 << 20)) {
      return reader.rows(IntStream.range(0, (int) data.rows(PreparedData.Split.TRAIN)).toArray());
    }
  }
}
