package dev.collimate.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.CollimateException;
import dev.collimate.data.LocalSpark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LocalSpark.class)
class FeaturesTest {

  private static final Features.Settings SETTINGS =
      new Features.Settings(0, /* isSparse= */ false, OptionalDouble.of(1), false, 1);

  @TempDir private Path folder;

  @Test
  void aRewardIsFittedStoredAndGiven(SparkSession spark) throws IOException {
    RowFiles files = new RowFiles(folder);
    files.write(
        "pairs.jsonl",
        """
        {"id": 1, "chosen_good": 3, "rejected_good": 1, "chosen_long": 2, "rejected_long": 2}
        {"id": 2, "chosen_good": 2, "rejected_good": 1, "chosen_long": 1, "rejected_long": 3}
        {"id": 3, "chosen_good": 5, "rejected_good": 4, "chosen_long": 1, "rejected_long": null}
        """);

    Map<String, Object> facts =
        Features.fit(
            spark,
            files.source("pairs.jsonl"),
            List.of("good", "long"),
            SETTINGS,
            files.path("reward.json"));
    assertThat(facts)
        .containsEntry("pairs", 2)
        .containsEntry("rows_left_out", 1L)
        .containsEntry("accuracy", 1.0);

    files.write("answers.jsonl", "{\"good\": 5, \"long\": 1}\n{\"good\": 1, \"long\": 3}\n");
    byte[] reward = Files.readAllBytes(folder.resolve("reward.json"));
    Features.score(spark, reward, files.source("answers.jsonl"), files.path("scored.jsonl"));
    List<JsonNode> scored = files.read("scored.jsonl");
    assertThat(scored.get(0).get("reward").asDouble())
        .isGreaterThan(scored.get(1).get("reward").asDouble());

    assertThatThrownBy(
            () ->
                Features.score(
                    spark, reward, files.source("pairs.jsonl"), files.path("again.jsonl")))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "--data: 1 of 3 rows cannot be used (row 3: column 'rejected_long' holds no number); leave them out of the input");
  }

  @Test
  void columnsThatNoRowHasAreNamed(SparkSession spark) throws IOException {
    RowFiles files = new RowFiles(folder);
    files.write("pairs.jsonl", "{\"chosen_good\": 3}\n");
    assertThatThrownBy(
            () ->
                Features.fit(
                    spark,
                    files.source("pairs.jsonl"),
                    List.of("good"),
                    SETTINGS,
                    files.path("reward.json")))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "--data: no row has a number in every column chosen_NAME and rejected_NAME of good");
  }
}
