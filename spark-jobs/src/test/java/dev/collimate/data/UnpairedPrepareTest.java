package dev.collimate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.CollimateException;
import dev.collimate.config.RunConfig;
import dev.collimate.data.PreparedData.Split;
import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rows of objectives that learn from judged completions. */
@ExtendWith(LocalSpark.class)
class UnpairedPrepareTest {

  private static final int SHARD_ROWS = 16;
  private static final int PROMPTS = 9;

  private final Configuration configuration = new Configuration();

  @TempDir Path folder;
  private SparkSession spark;

  @BeforeEach
  void start(SparkSession session) throws IOException {
    spark = session;
    ToyModel.write(folder.resolve("model"), 1);
  }

  @Test
  void aPairBecomesADesirableRowAndAnUndesirableOne() throws IOException {
    write("rows.jsonl", List.of(pair(1), pair(2).replace("{", "{\"id\": \"p\", \"weight\": 3, ")));

    PreparedData data = prepare("bco", "data.shuffle=false");

    Accounting.Source source = data.index().accounting().sources().get(0);
    assertThat(source.read()).isEqualTo(2);
    assertThat(source.unpaired()).isEqualTo(2);
    assertThat(source.train()).isEqualTo(4);
    assertThat(source.addsUp()).isTrue();
    List<Example> rows = rows(data, Split.TRAIN);
    assertThat(rows)
        .extracting(row -> row.scalars().get("label"))
        .containsExactly(1.0, 0.0, 1.0, 0.0);
    assertThat(rows.get(0).key()).matches("[0-9a-f]{32}#chosen-1");
    assertThat(rows.get(1).key()).isEqualTo(rows.get(0).key().replace("chosen", "rejected"));
    assertThat(rows.subList(2, 4))
        .extracting(Example::key)
        .containsExactly("p#chosen", "p#rejected");
    assertThat(rows.subList(2, 4)).extracting(Example::weight).containsOnly(3.0);
    assertThat(completion(rows.get(2))).containsExactly(2, 30, 2);
    assertThat(completion(rows.get(3))).containsExactly(2, 40, 41, 2);
  }

  @Test
  void theSidesOfAPairAreHeldOutTogether() throws IOException {
    write("rows.jsonl", IntStream.range(0, 60).mapToObj(UnpairedPrepareTest::pair).toList());

    PreparedData data = prepare("bco", "data.eval_fraction=0.3");

    List<String> held = pairKeys(data, Split.EVAL);
    assertThat(held).hasSizeBetween(10, 60);
    assertThat(pairKeys(data, Split.TRAIN)).doesNotContainAnyElementsOf(held);
  }

  @Test
  void aSideThatCannotBeUsedLeavesTheOtherOne() throws IOException {
    List<String> lines =
        new ArrayList<>(IntStream.range(0, 20).mapToObj(UnpairedPrepareTest::pair).toList());
    lines.set(
        3, "{\"prompt_input_ids\": [1], \"chosen_input_ids\": [7], \"rejected_input_ids\": []}");
    lines.set(4, "{\"prompt_input_ids\": [1], \"chosen_input_ids\": [7]}");
    write("rows.jsonl", lines);

    PreparedData data = prepare("bco", "data.max_bad_rows=0.1");

    Accounting.Source source = data.index().accounting().sources().get(0);
    assertThat(source.read()).isEqualTo(20);
    assertThat(source.unpaired()).isEqualTo(19);
    assertThat(source.train()).isEqualTo(37);
    assertThat(source.quarantined())
        .isEqualTo(Map.of("empty_completion", 1L, "missing_column", 1L));
    assertThat(source.addsUp()).isTrue();
    JsonNode refused = quarantine(data).get(0);
    assertThat(refused.get("row").asInt()).isEqualTo(4);
    assertThat(refused.get("side").asText()).isEqualTo("rejected");
    assertThat(refused.get("columns").get("chosen_input_ids").get(0).asInt()).isEqualTo(7);
  }

  @ParameterizedTest
  @CsvSource({"true, 1", "false, 0", "1, 1", "0, 0", "1.0, 1"})
  void labelsAreTruthValuesOrOneAndZero(String label, double expected) throws IOException {
    write("rows.jsonl", List.of(row(1, label)));

    assertThat(rows(prepare("bco"), Split.TRAIN).get(0).scalars()).containsEntry("label", expected);
  }

  @Test
  void aBadLabelGoesToQuarantine() throws IOException {
    write("rows.jsonl", List.of(row(1, "true"), row(2, "2"), row(3, "\"good\""), row(4, "null")));

    PreparedData data = prepare("bco", "data.max_bad_rows=1.0");

    assertThat(data.index().accounting().quarantined())
        .isEqualTo(Map.of("wrong_type", 2L, "missing_column", 1L));
    assertThat(quarantine(data).get(0).get("detail").asText())
        .isEqualTo("column 'label' holds a number, true or false is expected");
  }

  @Test
  void labelsOfCsvAreText() throws IOException {
    write(
        "rows.csv",
        List.of("prompt,completion,label", "p,a,1", "p,b,0", "p,c,True", "p,d,false", "p,e,maybe"));

    PreparedData data =
        prepare(
            "bco",
            "data.max_bad_rows=0.5",
            "data.shuffle=false",
            "data.train=[{path: " + folder.resolve("rows.csv") + "}]");

    assertThat(rows(data, Split.TRAIN))
        .extracting(row -> row.scalars().get("label"))
        .containsExactly(1.0, 0.0, 1.0, 0.0);
    assertThat(data.index().accounting().quarantined()).isEqualTo(Map.of("wrong_type", 1L));
  }

  @Test
  void aRegressionNeedsItsScore() throws IOException {
    write(
        "rows.jsonl",
        List.of(
            "{\"prompt_input_ids\": [1], \"completion_input_ids\": [2], \"score\": 0.25}",
            "{\"prompt_input_ids\": [1], \"completion_input_ids\": [3]}"));

    PreparedData data = prepare("pointwise_regression", "data.max_bad_rows=0.5");

    assertThat(rows(data, Split.TRAIN)).hasSize(1);
    assertThat(rows(data, Split.TRAIN).get(0).scalars()).containsEntry("score", 0.25);
    assertThat(data.index().accounting().quarantined()).isEqualTo(Map.of("missing_column", 1L));
  }

  @Test
  void theOtherCompletionIsThatOfTheNextPromptByContent() throws IOException {
    write("rows.jsonl", judged(150));
    PreparedData data = prepare("kto", "data.eval_fraction=0.2", "output=" + folder.resolve("kto"));
    PreparedData alone =
        prepare("bco", "data.eval_fraction=0.2", "output=" + folder.resolve("bco"));

    for (Split split : Split.values()) {
      Map<String, List<Integer>> expected = expected(rows(alone, split));
      Map<String, List<Integer>> actual = new TreeMap<>();
      for (Example row : rows(data, split)) {
        Sequence kl = row.sequences().get("kl");
        Sequence own = row.sequences().get("completion");
        assertThat(prompt(kl)).isEqualTo(prompt(own));
        assertThat(kl.countedTokens()).isEqualTo(kl.length() - kl.promptLength());
        actual.put(row.key(), list(kl.completion()));
      }
      assertThat(actual).isEqualTo(expected);
    }
    assertThat(data.index().roles()).containsExactly("completion", "kl");
    assertThat(alone.index().roles()).containsExactly("completion");
  }

  /** The same by brute force. */
  private static Map<String, List<Integer>> expected(List<Example> rows) {
    List<Example> ordered = new ArrayList<>(rows);
    ordered.sort(Comparator.comparing(Example::contentHash));
    Map<String, List<Integer>> expected = new TreeMap<>();
    for (int i = 0; i < ordered.size(); i++) {
      Sequence own = ordered.get(i).sequences().get("completion");
      int next = i;
      do {
        next = (next + 1) % ordered.size();
      } while (Arrays.equals(prompt(ordered.get(next).sequences().get("completion")), prompt(own)));
      expected.put(
          ordered.get(i).key(), list(ordered.get(next).sequences().get("completion").completion()));
    }
    return expected;
  }

  @Test
  void howTheInputIsCutDoesNotShow() throws IOException {
    List<String> lines = judged(150);
    write("rows.jsonl", lines);
    PreparedData one = prepare("kto", "output=" + folder.resolve("one"));
    List<String> shuffled = new ArrayList<>(lines);
    Collections.shuffle(shuffled, new Random(3));
    for (int file = 0; file < 9; file++) {
      write("parts/" + file + ".jsonl", shuffled.subList(file * 150 / 9, (file + 1) * 150 / 9));
    }
    PreparedData many =
        prepare(
            "kto",
            "output=" + folder.resolve("many"),
            "data.train=[{path: " + folder.resolve("parts") + "}]");

    assertThat(contents(many)).isEqualTo(contents(one)).hasSize(150);
  }

  @Test
  void theOtherCompletionDoesNotDependOnTheSeed() throws IOException {
    write("rows.jsonl", judged(40));

    assertThat(contents(prepare("kto", "seed=7", "output=" + folder.resolve("seven"))))
        .isEqualTo(contents(prepare("kto", "output=" + folder.resolve("usual"))));
  }

  @Test
  void theOtherCompletionIsCutLikeASide() throws IOException {
    write(
        "rows.jsonl",
        List.of(
            "{\"prompt_input_ids\": [1, 2, 3, 4], \"completion_input_ids\": [5], \"label\": true}",
            "{\"prompt_input_ids\": [6], \"completion_input_ids\": [7, 8, 9, 10], \"label\": false}"));

    PreparedData data = prepare("kto", "data.max_length=5", "data.shuffle=false");

    assertThat(rows(data, Split.TRAIN).get(0).sequences().get("kl").ids())
        .containsExactly(1, 2, 3, 4, 7);
    assertThat(rows(data, Split.TRAIN).get(1).sequences().get("kl").ids()).containsExactly(6, 5);
  }

  @Test
  void onePromptIsTooFew() throws IOException {
    write("rows.jsonl", List.of(pair(PROMPTS), pair(2 * PROMPTS)));

    assertThatThrownBy(() -> prepare("kto"))
        .isInstanceOf(CollimateException.class)
        .hasFieldOrPropertyWithValue("kind", CollimateException.Kind.DATA)
        .hasMessage(
            "data.train: all rows have one prompt, and the objective needs the completion of another prompt for each; give rows of at least two prompts");
  }

  @Test
  void aTripleHasTheAnswerToImitate() throws IOException {
    write(
        "rows.jsonl",
        List.of(
            "{\"prompt_input_ids\": [1], \"chosen_input_ids\": [2], \"rejected_input_ids\": [3], \"reference_input_ids\": [4, 5]}"));

    assertThat(rows(prepare("tpo"), Split.TRAIN).get(0).sequences().get("reference").ids())
        .containsExactly(1, 4, 5);
  }

  @Test
  void thePromptOfTheChosenSideCountsForOrpo() throws IOException {
    write("rows.jsonl", List.of(pair(1)));

    Map<String, Sequence> sequences = rows(prepare("orpo"), Split.TRAIN).get(0).sequences();

    assertThat(sequences.get("chosen").lossMask()).containsExactly(0, 1, 1, 1, 1);
    assertThat(sequences.get("chosen").countedPromptTokens()).isEqualTo(1);
    assertThat(sequences.get("rejected").lossMask()).containsExactly(0, 0, 1, 1, 1, 1);
  }

  private PreparedData prepare(String objective, String... overrides) throws IOException {
    String yaml =
        """
        model: %s
        output: %s
        data: {train: [{path: %s}]}
        objective: {name: %s}
        """
            .formatted(
                folder.resolve("model"),
                folder.resolve("run"),
                folder.resolve("rows.jsonl"),
                objective);
    return Prepare.run(
        spark, RunConfig.read(yaml, "run.yaml", Arrays.asList(overrides)), () -> {}, SHARD_ROWS);
  }

  private void write(String name, List<String> lines) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.write(file, lines);
  }

  /** Pair n has prompt n modulo {@link #PROMPTS}. */
  private static String pair(int n) {
    return "{\"prompt_input_ids\": [%d, 7], \"chosen_input_ids\": [%d, 30, 2], \"rejected_input_ids\": [%d, 40, 41, 2]}"
        .formatted(100 + n % PROMPTS, n, n);
  }

  private static String row(int n, String label) {
    return "{\"prompt_input_ids\": [%d], \"completion_input_ids\": [%d, 2], \"label\": %s}"
        .formatted(n, n, label);
  }

  /** Judged completions of few prompts, two thirds of them of one; every seventh is a copy. */
  private static List<String> judged(int count) {
    return IntStream.range(0, count)
        .map(n -> n % 7 == 0 ? n / 2 : n)
        .mapToObj(
            n ->
                "{\"prompt_input_ids\": [%d, 7], \"completion_input_ids\": [%d, %d, 2], \"label\": %s}"
                    .formatted(n % 3 == 0 ? n % PROMPTS : 200, n, n % 13, n % 2 == 0))
        .toList();
  }

  private List<Example> rows(PreparedData data, Split split) throws IOException {
    try (ShardReader reader = new ShardReader(data, split, configuration, 1 << 20)) {
      return reader.rows(IntStream.range(0, (int) data.rows(split)).toArray());
    }
  }

  private Map<String, String> contents(PreparedData data) throws IOException {
    Map<String, String> contents = new HashMap<>();
    rows(data, Split.TRAIN).forEach(row -> contents.put(row.key(), row.contentHash()));
    return contents;
  }

  private List<String> pairKeys(PreparedData data, Split split) throws IOException {
    return rows(data, split).stream()
        .map(row -> row.key().substring(0, row.key().indexOf('#')))
        .toList();
  }

  private static List<JsonNode> quarantine(PreparedData data) throws IOException {
    List<JsonNode> rows = new ArrayList<>();
    for (String line :
        Files.readAllLines(Path.of(data.folder(), data.index().quarantine().get(0).name()))) {
      rows.add(new ObjectMapper().readTree(line));
    }
    return rows;
  }

  private static int[] completion(Example row) {
    return row.sequences().get("completion").completion();
  }

  private static int[] prompt(Sequence sequence) {
    return Arrays.copyOf(sequence.ids(), sequence.promptLength());
  }

  private static List<Integer> list(int[] ids) {
    return Arrays.stream(ids).boxed().toList();
  }
}
