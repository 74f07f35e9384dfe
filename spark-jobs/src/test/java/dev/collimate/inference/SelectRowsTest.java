package dev.collimate.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.CollimateException;
import dev.collimate.data.LocalSpark;
import dev.collimate.inference.SelectRows.Selection;
import dev.collimate.inference.SelectRows.Top;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LocalSpark.class)
class SelectRowsTest {

  private static final String MIX =
      """
      {"n": 1, "category": "math", "source": "air", "score": 4.25}
      {"n": 2, "category": "math", "source": "pro", "score": 4.22}
      {"n": 3, "category": "math", "source": "other", "score": 4.16}
      {"n": 4, "category": "code", "source": "air", "score": 1.0}
      {"n": 5, "category": "code", "source": "air", "score": 2.0}
      """;

  /** Skywork's handicaps of Magpie's two sources. */
  private static final Map<String, String> HANDICAPS =
      Map.of(
          "selection", "score - CASE source WHEN 'air' THEN 0.1 WHEN 'pro' THEN 0.05 ELSE 0 END");

  @TempDir private Path folder;
  private SparkSession spark;
  private RowFiles files;

  @BeforeEach
  void open(SparkSession session) {
    spark = session;
    files = new RowFiles(folder);
  }

  /** With handicaps 4.15, 4.17 and 4.16 the last two are best; without, the first two. */
  @Test
  void handicapsChangeWhichRowsAreBest() throws IOException {
    Optional<Top> top = Optional.of(new Top(2, "selection", Optional.of("category")));
    select("with.jsonl", new Selection(HANDICAPS, Optional.empty(), top, List.of()));
    select(
        "without.jsonl",
        new Selection(Map.of("selection", "score"), Optional.empty(), top, List.of("selection")));

    assertThat(numbers("with.jsonl")).containsExactly(2, 3, 4, 5);
    assertThat(numbers("without.jsonl")).containsExactly(1, 2, 4, 5);
    assertThat(files.read("with.jsonl").get(0).has("selection")).isTrue();
    assertThat(files.read("without.jsonl").get(0).has("selection")).isFalse();
  }

  @Test
  void aRowThatIsKeptIsKeptToTheLetter() throws IOException {
    String row =
        "{\"prompt\":[{\"role\":\"user\",\"content\":\"a\\u00e9\"}],\"x\":null,\"big\":12345678901234567,\"d\":1.0}";
    files.write("rows.jsonl", row + "\n{\"prompt\": \"text\", \"big\": 1}\n");
    SelectRows.run(
        spark,
        files.source("rows.jsonl"),
        new Selection(Map.of(), Optional.of("big > 5"), Optional.empty(), List.of()),
        files.path("kept.jsonl"));
    assertThat(Files.readString(folder.resolve("kept.jsonl")))
        .isEqualTo(row.replace("\\u00e9", "é") + "\n");
  }

  /**
   * 25 % of a source's labels are flipped; an interim model that sees the truth through noise keeps
   * the pairs it agrees with.
   */
  @Test
  void agreementWithAnInterimModelFindsFlips() throws IOException {
    Random random = new Random(2);
    StringBuilder rows = new StringBuilder();
    int flips = 0;
    for (int pair = 0; pair < 400; pair++) {
      boolean isFlipped = random.nextDouble() < 0.25;
      flips += isFlipped ? 1 : 0;
      double margin = (isFlipped ? -1.5 : 1.5) + random.nextGaussian();
      rows.append(
          "{\"flipped\": %s, \"chosen_reward\": %s, \"rejected_reward\": 0.0}\n"
              .formatted(isFlipped, margin));
    }
    files.write("rows.jsonl", rows.toString());
    SelectRows.run(
        spark,
        files.source("rows.jsonl"),
        new Selection(
            Map.of(), Optional.of("chosen_reward > rejected_reward"), Optional.empty(), List.of()),
        files.path("kept.jsonl"));

    List<JsonNode> kept = files.read("kept.jsonl");
    long flipsKept = kept.stream().filter(row -> row.get("flipped").asBoolean()).count();
    assertThat(1 - (double) flipsKept / flips).isGreaterThan(0.8);
    assertThat(1 - (double) (kept.size() - flipsKept) / (400 - flips)).isLessThan(0.15);
  }

  @Test
  void whatCannotBeReadIsSaidWithItsOption() {
    assertThatThrownBy(
            () ->
                select(
                    "out.jsonl",
                    new Selection(
                        Map.of(), Optional.of("nothing > 1"), Optional.empty(), List.of())))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith("--where: 'nothing > 1' is no expression over these rows: ");
    assertThatThrownBy(
            () ->
                select(
                    "out.jsonl",
                    new Selection(
                        Map.of("score", "1"), Optional.empty(), Optional.empty(), List.of())))
        .isInstanceOf(CollimateException.class)
        .hasMessage("--with: there is a column 'score' already; choose another name");
    assertThatThrownBy(
            () ->
                select(
                    "out.jsonl",
                    new Selection(Map.of(), Optional.of("n > 9"), Optional.empty(), List.of())))
        .isInstanceOf(CollimateException.class)
        .hasMessage("--data: no row is selected, of 5");
  }

  private void select(String output, Selection selection) throws IOException {
    SelectRows.run(spark, files.write("mix.jsonl", MIX), selection, files.path(output));
  }

  private List<Integer> numbers(String name) throws IOException {
    return files.read(name).stream().map(row -> row.get("n").asInt()).toList();
  }
}
