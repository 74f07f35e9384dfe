package dev.collimate.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.CollimateException;
import dev.collimate.config.Source;
import dev.collimate.data.LocalSpark;
import dev.collimate.data.ToyModel;
import dev.collimate.executor.ModelSpec;
import dev.collimate.generate.SamplingParams;
import dev.collimate.nn.Precision;
import dev.collimate.storage.FailingFileSystem;
import dev.collimate.text.ByteLevelTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LocalSpark.class)
class InferenceTest {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final SamplingParams DRAWN = new SamplingParams(8, 1.0, 0, 1.0, 5, true);

  @TempDir Path folder;
  private SparkSession spark;
  private ModelSpec model;

  @BeforeEach
  void start(SparkSession session) throws IOException {
    spark = session;
    ToyModel.write(folder.resolve("model"), 1);
    model =
        ModelSpec.of(
            "--model",
            folder.resolve("model").toString(),
            "--adapter",
            Optional.empty(),
            Precision.FLOAT32,
            1,
            new Configuration());
  }

  @Test
  void scoredRowsKeepOrderAndColumns() throws IOException {
    write("rows.jsonl", numbered(150));

    long rows = score("rows.jsonl", "out.jsonl", Score.Detail.SUMS);

    List<JsonNode> scored = read("out.jsonl");
    assertThat(rows).isEqualTo(150);
    assertThat(scored)
        .extracting(row -> row.get("n").asInt())
        .isEqualTo(IntStream.range(0, 150).boxed().toList());
    assertThat(List.copyOf(names(scored.get(7))))
        .isEqualTo(List.of("n", "prompt", "completion", "logps", "num_tokens"));
    assertThat(scored).allMatch(row -> row.get("logps").asDouble() < 0);
  }

  @Test
  void theSumIsThatOfTheTokens() throws IOException {
    write("rows.jsonl", List.of("{\"prompt\": \"a\", \"chosen\": \"bc\", \"rejected\": \"d\"}"));

    score("rows.jsonl", "out.jsonl", Score.Detail.TOKENS);

    JsonNode row = read("out.jsonl").get(0);
    double sum = 0;
    for (JsonNode token : row.get("chosen_per_token_logps")) {
      sum += token.asDouble();
    }
    assertThat(row.get("chosen_logps").asDouble()).isCloseTo(sum, within(1e-5));
    // Two letters and the end-of-sequence token.
    assertThat(row.get("chosen_num_tokens").asInt()).isEqualTo(3);
    assertThat(row.get("chosen_token_ids")).hasSize(3);
    assertThat(row.get("rejected_token_ids")).hasSize(2);
  }

  @Test
  void aFolderHoldsPartsAndTheirIndex() throws IOException {
    write("rows.jsonl", numbered(150));

    score("rows.jsonl", "out", Score.Detail.SUMS);

    assertThat(spark.read().json(folder.resolve("out").toString()).count()).isEqualTo(150);
    JsonNode index = JSON.readTree(folder.resolve("out/_index.json").toFile());
    assertThat(index.get("files")).hasSize(3);
  }

  @Test
  void parquetHoldsTheRowsOfJsonInOneFile() throws IOException {
    write("rows.jsonl", numbered(150));
    score("rows.jsonl", "out.jsonl", Score.Detail.TOKENS);

    score("rows.jsonl", "out.parquet", Score.Detail.TOKENS);

    assertThat(folder.resolve("out.parquet")).isRegularFile();
    List<Row> rows = spark.read().parquet(folder.resolve("out.parquet").toString()).collectAsList();
    List<JsonNode> expected = read("out.jsonl");
    assertThat(rows)
        .extracting(row -> row.getAs("logps"))
        .isEqualTo(expected.stream().map(row -> row.get("logps").asDouble()).toList());
    assertThat(rows.get(0).schema().fieldNames())
        .isEqualTo(names(expected.get(0)).toArray(String[]::new));
  }

  @Test
  void parquetHasTheColumnsOfAllRows() throws IOException {
    write(
        "rows.jsonl",
        List.of(
            "{\"prompt\": \"a\", \"completion\": \"b\", \"first\": 1}",
            "{\"prompt\": \"a\", \"completion\": \"c\", \"odd `name`\": 2}"));

    score("rows.jsonl", "out.parquet", Score.Detail.SUMS);

    List<Row> rows = spark.read().parquet(folder.resolve("out.parquet").toString()).collectAsList();
    assertThat(rows.get(0).schema().fieldNames())
        .containsExactly("prompt", "completion", "first", "logps", "num_tokens", "odd `name`");
    assertThat(rows.get(1).<Long>getAs("odd `name`")).isEqualTo(2);
    assertThat(rows.get(1).<Long>getAs("first")).isNull();
  }

  @Test
  void aColumnThatTheOutputAddsIsRefused() throws IOException {
    write(
        "rows.jsonl",
        List.of(
            "{\"prompt\": \"a\", \"completion\": \"b\"}",
            "{\"prompt\": \"a\", \"completion\": \"b\", \"logps\": 1}"));

    assertThatThrownBy(() -> score("rows.jsonl", "out.jsonl", Score.Detail.SUMS))
        .isInstanceOf(CollimateException.class)
        .hasMessage("--data: row 2 has a column 'logps', which the output adds; rename or drop it");
    assertThatThrownBy(() -> generate("rows.jsonl", "out.jsonl", DRAWN, 1))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "--prompts: row 1 has a column 'completion', which the output adds; rename or drop it");
  }

  @Test
  void aFileThatCannotBeFinishedDoesNotStay() throws IOException {
    Configuration configuration = spark.sparkContext().hadoopConfiguration();
    FailingFileSystem.register(configuration, "part-000001.*");
    write("rows.jsonl", numbered(150));

    assertThatThrownBy(
            () ->
                Score.run(
                    spark,
                    model,
                    source("rows.jsonl"),
                    FailingFileSystem.path(folder.resolve("out.jsonl")),
                    Score.Detail.SUMS))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("connection reset while opening part-000001");
    assertThat(folder.resolve("out.jsonl")).doesNotExist();
  }

  @Test
  void rowsThatCannotBeScoredAreNamedAndNothingIsWritten() throws IOException {
    List<String> rows = new ArrayList<>(numbered(20));
    rows.set(12, "{\"prompt\": \"a\", \"completion\": 5}");
    write("rows.jsonl", rows);

    assertThatThrownBy(() -> score("rows.jsonl", "out.jsonl", Score.Detail.SUMS))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith("1 of 20 rows cannot be used (row 13: wrong_type, ");
    assertThat(folder.resolve("out.jsonl")).doesNotExist();
  }

  @Test
  void malformedLinesAreNamed() throws IOException {
    List<String> rows = new ArrayList<>(numbered(20));
    rows.set(4, "{\"prompt\": ");
    write("rows.jsonl", rows);

    assertThatThrownBy(() -> score("rows.jsonl", "out.jsonl", Score.Detail.SUMS))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith(
            "--data: '%s' has malformed rows ('rows.jsonl' row 5: not a JSON object",
            folder.resolve("rows.jsonl"));
  }

  @Test
  void anExistingOutputIsNotOverwritten() throws IOException {
    write("rows.jsonl", numbered(2));
    write("out.jsonl", List.of("mine"));

    assertThatThrownBy(() -> score("rows.jsonl", "out.jsonl", Score.Detail.SUMS))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "--output: '%s' exists; nothing is overwritten, choose another",
            folder.resolve("out.jsonl"));
    assertThat(Files.readAllLines(folder.resolve("out.jsonl"))).containsExactly("mine");
  }

  @Test
  void completionsDependOnRowsAndSeedNotOnHowTheInputIsSplit() throws IOException {
    write("prompts.jsonl", prompts(100));
    write("split/a.jsonl", prompts(100).subList(0, 3));
    write("split/b.jsonl", prompts(100).subList(3, 100));

    generate("prompts.jsonl", "one.jsonl", DRAWN, 1);
    generate("split", "two.jsonl", DRAWN, 1);
    generate("prompts.jsonl", "other.jsonl", new SamplingParams(8, 1.0, 0, 1.0, 6, true), 1);

    assertThat(read("two.jsonl")).isEqualTo(read("one.jsonl"));
    assertThat(read("other.jsonl")).isNotEqualTo(read("one.jsonl"));
    assertThat(read("one.jsonl"))
        .allMatch(row -> row.get("completion_input_ids").size() == 8 && row.has("completion"));
  }

  /** Put before a tokenizer again, they would count twice. */
  @Test
  void textsAreWithoutSpecialTokens() throws IOException {
    write("prompts.jsonl", prompts(5));
    generate("prompts.jsonl", "out.jsonl", DRAWN, 1);

    assertThat(read("out.jsonl"))
        .anyMatch(
            row -> row.get("completion_input_ids").get(7).asInt() == ByteLevelTokenizer.BOS_ID)
        .noneMatch(row -> row.get("completion").asText().contains("<bos>"));
  }

  @Test
  void eachPromptGetsAsManyRowsAsAreAskedFor() throws IOException {
    write("prompts.jsonl", prompts(3));

    long rows = generate("prompts.jsonl", "out.jsonl", DRAWN, 4);

    List<JsonNode> completed = read("out.jsonl");
    assertThat(rows).isEqualTo(12);
    assertThat(completed)
        .extracting(row -> row.get("n").asInt())
        .containsExactly(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2);
    assertThat(completed.subList(0, 4))
        .extracting(row -> row.get("completion_input_ids"))
        .doesNotHaveDuplicates();
  }

  @Test
  void greedyDecodingGivesOneCompletion() throws IOException {
    write("prompts.jsonl", numbered(3));

    assertThatThrownBy(() -> generate("prompts.jsonl", "out.jsonl", SamplingParams.greedy(4), 2))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "--num_return_sequences: with --temperature 0 all 2 would be the same; accepted is 1");
  }

  @Test
  void anUnknownEndingOfTheOutputIsRefused() throws IOException {
    write("rows.jsonl", numbered(2));

    assertThatThrownBy(() -> score("rows.jsonl", "out.xlsx", Score.Detail.SUMS))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "--output: 'out.xlsx' ends in '.xlsx'; accepted are .jsonl, .parquet, or a folder without ending");
  }

  private long score(String data, String output, Score.Detail detail) throws IOException {
    return Score.run(spark, model, source(data), folder.resolve(output).toString(), detail);
  }

  private long generate(String prompts, String output, SamplingParams sampling, int count)
      throws IOException {
    return Generate.run(
        spark, model, source(prompts), folder.resolve(output).toString(), sampling, count);
  }

  private Source source(String name) {
    return new Source(
        Optional.of(folder.resolve(name).toString()),
        Optional.empty(),
        Optional.empty(),
        Map.of(),
        List.of());
  }

  private void write(String name, List<String> lines) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.write(file, lines);
  }

  private List<JsonNode> read(String name) throws IOException {
    List<JsonNode> rows = new ArrayList<>();
    for (String line : Files.readAllLines(folder.resolve(name))) {
      rows.add(JSON.readTree(line));
    }
    return rows;
  }

  private static List<String> names(JsonNode row) {
    List<String> names = new ArrayList<>();
    row.fieldNames().forEachRemaining(names::add);
    return names;
  }

  private static List<String> prompts(int count) {
    return IntStream.range(0, count)
        .mapToObj(n -> "{\"n\": %d, \"prompt\": \"Say %d\"}".formatted(n, n))
        .toList();
  }

  private static List<String> numbered(int count) {
    return IntStream.range(0, count)
        .mapToObj(
            n -> "{\"n\": %d, \"prompt\": \"Say %d\", \"completion\": \"no\"}".formatted(n, n))
        .toList();
  }
}
