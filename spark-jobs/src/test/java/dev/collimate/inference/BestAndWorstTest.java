package dev.collimate.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.CollimateException;
import dev.collimate.data.LocalSpark;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LocalSpark.class)
class BestAndWorstTest {

  @TempDir private Path folder;
  private SparkSession spark;
  private RowFiles files;

  @BeforeEach
  void open(SparkSession session) {
    spark = session;
    files = new RowFiles(folder);
  }

  @Test
  void thePromptsKeepTheirOrderAndTheFirstOfEqualAnswersIsTaken() throws IOException {
    Map<String, Object> facts =
        pair(
            """
            {"prompt": "b", "completion": "b1", "reward": 0.5}
            {"prompt": "a", "completion": "a1", "reward": 3}
            {"prompt": "b", "completion": "b2", "reward": 2.5}
            {"prompt": "b", "completion": "b3", "reward": 2.5}
            {"prompt": "a", "completion": "a2", "reward": 1}
            {"prompt": "alone", "completion": "x", "reward": 1}
            {"prompt": "even", "completion": "x", "reward": 1}
            {"prompt": "even", "completion": "y", "reward": 1}
            """,
            0);

    List<JsonNode> pairs = files.read("pairs.jsonl");
    assertThat(facts)
        .containsEntry("answers", 8L)
        .containsEntry("prompts", 4L)
        .containsEntry("pairs", 2L);
    assertThat(pairs).extracting(row -> row.get("prompt").asText()).containsExactly("b", "a");
    assertThat(pairs).extracting(row -> row.get("chosen").asText()).containsExactly("b2", "a1");
    assertThat(pairs).extracting(row -> row.get("rejected").asText()).containsExactly("b1", "a2");
    assertThat(pairs.get(0).get("chosen_score").asDouble()).isEqualTo(2.5);
    assertThat(pairs.get(0).get("rejected_score").asDouble()).isEqualTo(0.5);
  }

  @Test
  void pairsThatAreTooNearAreLeftOut() throws IOException {
    String rows =
        """
        {"prompt": "a", "completion": "a1", "reward": 3}
        {"prompt": "a", "completion": "a2", "reward": 1}
        {"prompt": "b", "completion": "b1", "reward": 1.5}
        {"prompt": "b", "completion": "b2", "reward": 1}
        """;
    assertThat(pair(rows, 2)).containsEntry("pairs", 1L);
    assertThatThrownBy(() -> pair(rows, 2.5))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("differ by more than 0 and at least 2.5 (--min_gap)");
  }

  @Test
  void vectorsStandByTheirMeanPreference() throws IOException {
    pair(
        """
        {"prompt": "a", "completion": "first", "reward": [1.0, 0.0]}
        {"prompt": "a", "completion": "second", "reward": [0.0, 1.0]}
        {"prompt": "a", "completion": "third", "reward": [-1.0, -2.0]}
        """,
        0);
    // s(1>2) = 1, s(1>3) = -2, s(2>3) = 1: the means are -1/3, 0 and 1/3.
    JsonNode row = files.read("pairs.jsonl").get(0);
    assertThat(row.get("chosen").asText()).isEqualTo("third");
    assertThat(row.get("rejected").asText()).isEqualTo("first");
    assertThat(row.get("chosen_score").asDouble()).isCloseTo(1 / 3.0, within(1e-12));
    assertThat(row.get("rejected_score").asDouble()).isCloseTo(-1 / 3.0, within(1e-12));
  }

  @Test
  void aRowWithoutARewardIsNamed() {
    assertThatThrownBy(() -> pair("{\"prompt\": \"a\", \"completion\": \"b\"}\n", 0))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining(
            "row 1 has no 'reward'; scored answers have prompt, completion and reward");
  }

  private Map<String, Object> pair(String rows, double minGap) throws IOException {
    return BestAndWorst.run(
        spark,
        files.write("scored.jsonl", rows),
        minGap,
        files.path(minGap == 0 ? "pairs.jsonl" : "pairs-%s.jsonl".formatted(minGap)));
  }
}
