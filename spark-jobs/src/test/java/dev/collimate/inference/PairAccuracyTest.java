package dev.collimate.inference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.data.LocalSpark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LocalSpark.class)
class PairAccuracyTest {

  @TempDir private Path folder;

  /** Three of four chat pairs and one of two code pairs are right; a tie is wrong. */
  @Test
  void everyCategoryCountsAlikeInTheMean(SparkSession spark) throws IOException {
    Map<String, Object> facts =
        of(
            spark,
            """
            {"category": "chat", "chosen_reward": 2.5, "rejected_reward": 0.5}
            {"category": "chat", "chosen_reward": 0.5, "rejected_reward": -0.5}
            {"category": "chat", "chosen_reward": 2.5, "rejected_reward": 0.5}
            {"category": "chat", "chosen_reward": 0.25, "rejected_reward": 0.5}
            {"category": "code", "chosen_reward": 1.5, "rejected_reward": 1.5}
            {"category": "code", "chosen_reward": 2.5, "rejected_reward": 0.5}
            """);

    assertThat(facts)
        .containsEntry("accuracy", 4 / 6.0)
        .containsEntry("accuracy_by_category", Map.of("chat", 0.75, "code", 0.5))
        .containsEntry("accuracy_mean", 0.625);
  }

  @Test
  void rowsThatAreNoPairsHaveNoAccuracy(SparkSession spark) throws IOException {
    assertThat(of(spark, "{\"text\": \"a\", \"reward\": 2.5}\n")).isEmpty();
    assertThat(of(spark, "{\"chosen_reward\": [2.5, 1.5], \"rejected_reward\": 0.5}\n")).isEmpty();
  }

  /** 2.5 * 1.5 - 1.5 * 0.5 is above 0, and so is minus its product the other way round. */
  @Test
  void vectorsArePreferredByTheirSkewSymmetricProduct(SparkSession spark) throws IOException {
    assertThat(
            of(
                spark,
                """
                {"chosen_reward": [2.5, 1.5, 0.0, 1.0], "rejected_reward": [0.5, 1.5, -1.0, 0.5]}
                {"chosen_reward": [0.5, 1.5, -1.0, 0.5], "rejected_reward": [2.5, 1.5, 0.0, 1.0]}
                """))
        .containsEntry("accuracy", 0.5);
  }

  /**
   * The first answers are right in both orders, the second in one, the third stand in one alone.
   */
  @Test
  void answersInBothOrdersAreRightWhereBothAre(SparkSession spark) throws IOException {
    assertThat(
            of(
                spark,
                """
                {"prompt": "p", "chosen": "a", "rejected": "b", "chosen_reward": 2.5, "rejected_reward": 0.5}
                {"prompt": "p", "chosen": "b", "rejected": "a", "chosen_reward": 2.5, "rejected_reward": 0.5}
                {"prompt": "q", "chosen": "a", "rejected": "b", "chosen_reward": 2.5, "rejected_reward": 0.5}
                {"prompt": "q", "chosen": "b", "rejected": "a", "chosen_reward": 0.5, "rejected_reward": 2.5}
                {"prompt": "r", "chosen": "a", "rejected": "b", "chosen_reward": 0.5, "rejected_reward": 2.5}
                """))
        .containsEntry("accuracy", 0.6)
        .containsEntry("accuracy_of_reversed_pairs", 0.5);
  }

  private Map<String, Object> of(SparkSession spark, String lines) throws IOException {
    Path file = folder.resolve("scored.jsonl");
    Files.writeString(file, lines);
    return PairAccuracy.of(spark, file.toString());
  }
}
