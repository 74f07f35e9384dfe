package dev.collimate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.CollimateException;
import dev.collimate.config.RunConfig;
import dev.collimate.text.Example;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@ExtendWith(LocalSpark.class)
class PrepareTest {

  private static final int SHARD_ROWS = 16;

  private final Configuration configuration = new Configuration();

  @TempDir Path folder;
  private SparkSession spark;

  @BeforeEach
  void start(SparkSession session) throws IOException {
    spark = session;
    ToyModel.write(folder.resolve("model"), 1);
  }

  @Test
  void everyRowReadIsTrainedOnHeldOutOrRefused() throws IOException {
    List<String> lines = new ArrayList<>(pairs(100));
    lines.set(10, "{\"prompt_input_ids\": [1, 2");
    lines.set(
        20, "{\"prompt_input_ids\": [1], \"chosen_input_ids\": [], \"rejected_input_ids\": [2]}");
    lines.set(30, "");
    write("pairs.jsonl", lines);

    PreparedData data = prepare("data.eval_fraction=0.2", "data.max_bad_rows=0.1");

    Accounting.Source source = data.index().accounting().sources().get(0);
    assertThat(source.read()).isEqualTo(99);
    assertThat(source.quarantined()).isEqualTo(Map.of("malformed", 1L, "empty_completion", 1L));
    assertThat(source.eval()).isBetween(5L, 40L);
    assertThat(source.addsUp()).isTrue();
    assertThat(data.rows(PreparedData.Split.TRAIN)).isEqualTo(source.train());
    assertThat(data.rows(PreparedData.Split.EVAL)).isEqualTo(source.eval());
  }

  @Test
  void refusedRowsAreKeptWithReasonAndPlace() throws IOException {
    List<String> lines = new ArrayList<>(pairs(50));
    lines.set(0, "");
    lines.set(7, "{\"prompt_input_ids\": [1, 2");
    lines.set(
        31,
        "{\"prompt_input_ids\": [1], \"chosen_input_ids\": [], \"rejected_input_ids\": [2], \"note\": \"\\ud83d!\"}");
    write("pairs.jsonl", lines);

    PreparedData data = prepare("data.max_bad_rows=0.1");

    assertThat(data.index().quarantine()).hasSize(1);
    List<String> refused =
        Files.readAllLines(Path.of(data.folder(), data.index().quarantine().get(0).name()));
    JsonNode malformed = new ObjectMapper().readTree(refused.get(0));
    assertThat(malformed.get("reason").asText()).isEqualTo("malformed");
    assertThat(malformed.get("outcome").asText()).isEqualTo("quarantined");
    assertThat(malformed.get("row").asInt()).isEqualTo(8);
    assertThat(malformed.get("file").asText()).endsWith("pairs.jsonl");
    assertThat(malformed.get("line").asText()).isEqualTo(lines.get(7));
    JsonNode empty = new ObjectMapper().readTree(refused.get(1));
    assertThat(empty.get("reason").asText()).isEqualTo("empty_completion");
    assertThat(empty.get("row").asInt()).isEqualTo(32);
    assertThat(empty.get("columns").get("note").asText()).isEqualTo("\ud83d!");
    assertThat(refused).hasSize(2);
  }

  @Test
  void theOrderDependsOnSeedAndKeysAlone() throws IOException {
    List<String> lines = pairs(200);
    write("pairs.jsonl", lines);
    PreparedData oneFile = prepare("output=" + folder.resolve("one"));
    List<String> shuffled = new ArrayList<>(lines);
    Collections.shuffle(shuffled, new Random(3));
    for (int file = 0; file < 7; file++) {
      write(
          "parts/part-" + file + ".jsonl", shuffled.subList(file * 200 / 7, (file + 1) * 200 / 7));
    }
    PreparedData manyFiles =
        prepare(
            "output=" + folder.resolve("many"),
            "data.train=[{path: " + folder.resolve("parts") + "}]");
    PreparedData otherSeed = prepare("output=" + folder.resolve("other"), "seed=43");

    assertThat(keys(manyFiles)).isEqualTo(keys(oneFile)).hasSize(200).doesNotHaveDuplicates();
    assertThat(keys(otherSeed)).isNotEqualTo(keys(oneFile)).hasSameElementsAs(keys(oneFile));
    assertThat(oneFile.shards(PreparedData.Split.TRAIN))
        .extracting(Shard::rows)
        .startsWith(SHARD_ROWS, SHARD_ROWS)
        .endsWith(200 % SHARD_ROWS);
    RowFacts facts = RowFacts.load(oneFile, PreparedData.Split.TRAIN, configuration);
    assertThat(RowOrder.permutation(42, 0, facts)).isEqualTo(IntStream.range(0, 200).toArray());
  }

  @Test
  void withoutShufflingTheInputsOrderIsTheTrainingOrder() throws IOException {
    List<String> lines = pairs(120);
    write("input/b.jsonl", lines.subList(50, 110));
    write("input/a.jsonl", lines.subList(0, 50));
    write("later.jsonl", lines.subList(110, 120));

    PreparedData data =
        prepare(
            "data.shuffle=false",
            "data.train=[{path: "
                + folder.resolve("input")
                + "}, {path: "
                + folder.resolve("later.jsonl")
                + "}]");

    assertThat(firstIds(data)).isEqualTo(IntStream.range(0, 120).boxed().toList());
  }

  @Test
  void equalRowsAreKeptWithNumberedKeys() throws IOException {
    List<String> lines = new ArrayList<>(pairs(10));
    lines.addAll(pairs(10));
    write("pairs.jsonl", lines);

    List<String> keys = keys(prepare());

    assertThat(keys).hasSize(20).doesNotHaveDuplicates();
    assertThat(keys.stream().filter(key -> key.endsWith("-2"))).hasSize(10);
  }

  @Test
  void ofRowsWithOneIdTheFirstStays() throws IOException {
    List<String> lines = new ArrayList<>();
    for (String pair : pairs(10)) {
      lines.add(pair.replace("{", "{\"id\": " + lines.size() % 9 + ", "));
    }
    write("pairs.jsonl", lines);

    PreparedData data = prepare("data.max_bad_rows=0.1", "data.shuffle=false");

    assertThat(keys(data)).isEqualTo(IntStream.range(0, 9).mapToObj(Integer::toString).toList());
    JsonNode refused =
        new ObjectMapper()
            .readTree(Path.of(data.folder(), data.index().quarantine().get(0).name()).toFile());
    assertThat(refused.get("reason").asText()).isEqualTo("duplicate_id");
    assertThat(refused.get("row").asInt()).isEqualTo(10);
    assertThat(refused.get("columns").get("id").asInt()).isZero();
  }

  @Test
  void copiesOfARowFallOnOneSideOfTheFraction() throws IOException {
    List<String> lines = new ArrayList<>(pairs(100));
    lines.addAll(pairs(100));
    write("pairs.jsonl", lines);

    PreparedData data = prepare("data.eval_fraction=0.3");

    List<String> eval = contents(data, PreparedData.Split.EVAL);
    assertThat(eval).hasSizeBetween(20, 100);
    assertThat(contents(data, PreparedData.Split.TRAIN)).doesNotContainAnyElementsOf(eval);
  }

  @Test
  void heldOutSourcesAreReadBesideTheTrainingSources() throws IOException {
    write("pairs.jsonl", pairs(30));
    write("eval.jsonl", pairs(20));

    PreparedData data = prepare("data.eval=[{path: " + folder.resolve("eval.jsonl") + "}]");

    assertThat(data.rows(PreparedData.Split.TRAIN)).isEqualTo(30);
    assertThat(firstIds(data, PreparedData.Split.EVAL))
        .isEqualTo(IntStream.range(0, 20).boxed().toList());
  }

  @Test
  void parquetAndOrcGiveTheRowsOfJson() throws IOException {
    write("pairs.jsonl", pairs(40));
    List<String> keys = keys(prepare("output=" + folder.resolve("json")));
    for (String format : List.of("parquet", "orc")) {
      Path copy = folder.resolve("pairs." + format);
      spark
          .read()
          .json(folder.resolve("pairs.jsonl").toString())
          .repartition(3)
          .write()
          .format(format)
          .save(copy.toString());
      PreparedData data =
          prepare("output=" + folder.resolve("of-" + format), "data.train=[{path: " + copy + "}]");

      assertThat(keys(data)).as(format).isEqualTo(keys);
    }
  }

  @Test
  void csvGivesTheRowsOfJson() throws IOException {
    write(
        "pairs.jsonl",
        texts(0, 40, "{\"prompt\": \"%d\", \"chosen\": \"a, %d\", \"rejected\": \"b\"}"));
    // A column without a name, as other tools write row numbers.
    List<String> csv = new ArrayList<>(List.of(",prompt,chosen,rejected"));
    csv.addAll(texts(0, 40, "x,%d,\"a, %d\",b"));
    write("pairs.csv", csv);
    PreparedData json = prepare("output=" + folder.resolve("json"));
    PreparedData data =
        prepare(
            "output=" + folder.resolve("csv"),
            "data.train=[{path: " + folder.resolve("pairs.csv") + "}]");

    assertThat(keys(data)).isEqualTo(keys(json));
  }

  @Test
  void csvFilesWithColumnsInAnotherOrderAreNamed() throws IOException {
    write("csv/a.csv", List.of("prompt,chosen,rejected", "p,c,r"));
    write("csv/b.csv", List.of("prompt,rejected,chosen", "p,r,c"));

    assertThatThrownBy(() -> prepare("data.train=[{path: " + folder.resolve("csv") + "}]"))
        .isInstanceOf(CollimateException.class)
        .hasFieldOrPropertyWithValue("kind", CollimateException.Kind.DATA)
        .hasMessageStartingWith("CSV files of one source have different headers (")
        .hasMessageContaining("csv/b.csv");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          mode: DROPMALFORMED | 'mode' is not supported for csv; lines that are no rows go to quarantine
          columnNameOfCorruptRecord: bad | 'columnNameOfCorruptRecord' is not supported for csv; lines that are no rows go to quarantine
          enforceSchema: true | 'enforceSchema' must be false, got 'true'; columns are known by the header
          """)
  void csvOptionsThatWouldHaveNoEffectAreRefused(String option, String why) throws IOException {
    write("pairs.csv", List.of("prompt,chosen,rejected", "p,c,r"));

    assertThatThrownBy(
            () ->
                prepare(
                    "data.train=[{path: %s, options: {%s}}]"
                        .formatted(folder.resolve("pairs.csv"), option)))
        .isInstanceOf(CollimateException.class)
        .hasMessage("data.train.0.options: " + why);
  }

  @Test
  void aTableThatIsNotThereIsNamedWithItsKey() {
    assertThatThrownBy(() -> prepare("data.train=[{table: db.pears}]"))
        .isInstanceOf(CollimateException.class)
        .hasFieldOrPropertyWithValue("kind", CollimateException.Kind.USAGE)
        .hasMessageStartingWith("data.train.0.table: cannot read 'db.pears': ")
        .hasMessageEndingWith("; for a Hive metastore set spark.sql.catalogImplementation=hive");
  }

  /** A text among tokenized rows, for a model without a tokenizer. */
  @Test
  void aRowThatEndsTheRunIsNamed() throws IOException {
    List<String> lines = new ArrayList<>(pairs(3));
    lines.add("{\"prompt\": \"p\", \"chosen\": \"c\", \"rejected\": \"r\"}");
    write("pairs.jsonl", lines);
    for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
      Files.delete(folder.resolve("model").resolve(name));
    }

    assertThatThrownBy(() -> prepare())
        .isInstanceOf(CollimateException.class)
        .hasFieldOrPropertyWithValue("kind", CollimateException.Kind.DATA)
        .hasMessageStartingWith("'pairs.jsonl' row 4: ");
  }

  @Test
  void aDataSetOfWhichHalfIsBadIsAnErrorThatShowsExamples() throws IOException {
    List<String> lines = new ArrayList<>(pairs(10));
    for (int bad = 0; bad < 5; bad++) {
      lines.set(
          2 * bad,
          "{\"prompt_input_ids\": [1], \"chosen_input_ids\": [], \"rejected_input_ids\": [2]}");
    }
    write("pairs.jsonl", lines);

    assertThatThrownBy(() -> prepare())
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith(
            "data.train: 5 of 10 rows cannot be used, data.max_bad_rows allows 0.01 of them: 5 empty_completion ('pairs.jsonl' row 1: ")
        .hasMessageContaining("; 'pairs.jsonl' row 3: ")
        .hasMessageNotContaining("row 7");
    assertThat(folder.resolve("run/data")).doesNotExist();
    try (Stream<Path> left = Files.list(folder.resolve("run"))) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void anEmptyDataSetIsAnError() throws IOException {
    write("pairs.jsonl", List.of("", "  "));

    assertThatThrownBy(() -> prepare())
        .isInstanceOf(CollimateException.class)
        .hasMessage("data.train: there are no rows in '%s'", folder.resolve("pairs.jsonl"));
  }

  @Test
  void aMissingFileIsNamedWithItsKey() {
    assertThatThrownBy(() -> prepare())
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "data.train.0.path: there is no file or folder '%s'", folder.resolve("pairs.jsonl"));
  }

  @Test
  void whatIsPreparedIsOpenedAgainWhileNothingChanged() throws IOException {
    write("pairs.jsonl", pairs(20));
    PreparedData first = prepare();
    long written =
        Files.getLastModifiedTime(Path.of(first.folder(), PreparedData.INDEX)).toMillis();

    PreparedData second = prepare();

    assertThat(second).isEqualTo(first);
    assertThat(Files.getLastModifiedTime(Path.of(first.folder(), PreparedData.INDEX)).toMillis())
        .isEqualTo(written);
    assertThatThrownBy(() -> prepare("seed=7"))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "output: '%s' holds another data set (data.shuffle was 'true, seed 42', is 'true, seed 7'); choose another output or delete that folder",
            folder.resolve("run/data"));
  }

  private PreparedData prepare(String... overrides) throws IOException {
    String yaml =
        """
        model: %s
        output: %s
        data: {train: [{path: %s}]}
        objective: {name: dpo}
        """
            .formatted(
                folder.resolve("model"), folder.resolve("run"), folder.resolve("pairs.jsonl"));
    return Prepare.run(
        spark, RunConfig.read(yaml, "run.yaml", Arrays.asList(overrides)), () -> {}, SHARD_ROWS);
  }

  private void write(String name, List<String> lines) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.write(file, lines, StandardCharsets.UTF_8);
  }

  /** Tokenized pairs; the first token of the prompt is the pair's number. */
  private static List<String> pairs(int count) {
    return IntStream.range(0, count)
        .mapToObj(
            n ->
                "{\"prompt_input_ids\": [%d, 7], \"chosen_input_ids\": [%d, 2], \"rejected_input_ids\": [5, %d, 2]}"
                    .formatted(n, n % 11, n % 13))
        .toList();
  }

  private static List<String> texts(int from, int to, String format) {
    return IntStream.range(from, to).mapToObj(n -> format.formatted(n, n % 7)).toList();
  }

  private List<Example> rows(PreparedData data, PreparedData.Split split) throws IOException {
    try (ShardReader reader = new ShardReader(data, split, configuration, 1 << 20)) {
      return reader.rows(IntStream.range(0, (int) data.rows(split)).toArray());
    }
  }

  private List<String> keys(PreparedData data) throws IOException {
    return rows(data, PreparedData.Split.TRAIN).stream().map(Example::key).toList();
  }

  private List<String> contents(PreparedData data, PreparedData.Split split) throws IOException {
    return rows(data, split).stream().map(Example::contentHash).toList();
  }

  private List<Integer> firstIds(PreparedData data) throws IOException {
    return firstIds(data, PreparedData.Split.TRAIN);
  }

  private List<Integer> firstIds(PreparedData data, PreparedData.Split split) throws IOException {
    return rows(data, split).stream().map(row -> row.sequences().get("chosen").ids()[0]).toList();
  }
}
