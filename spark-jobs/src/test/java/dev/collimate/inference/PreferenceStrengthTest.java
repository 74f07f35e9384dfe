package dev.collimate.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.CollimateException;
import dev.collimate.config.Source;
import dev.collimate.data.LocalSpark;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LocalSpark.class)
class PreferenceStrengthTest {

  @TempDir private Path folder;
  private SparkSession spark;
  private RowFiles files;

  @BeforeEach
  void open(SparkSession session) {
    spark = session;
    files = new RowFiles(folder);
  }

  /** Differences 2 and -1 of the first pair: mean 0.5, deviation 1.5. */
  @Test
  void strengthIsTheMeanOfTheModelsDifferences() throws IOException {
    Map<String, Object> facts =
        strength(
            scored("a", 2.5, 0.5) + scored("b", 0, 1), scored("a", 0, 1) + scored("b", 0.5, 3.5));

    List<JsonNode> rows = files.read("strength.jsonl");
    assertThat(rows.get(0).toString())
        .isEqualTo(
            "{\"prompt\":\"a\",\"chosen\":\"yes\",\"rejected\":\"no\",\"preference_strength\":0.5,\"preference_strength_std\":1.5}");
    assertThat(rows.get(1).get("preference_strength").asDouble()).isEqualTo(-2);
    assertThat(facts)
        .containsEntry("rows", 2)
        .containsEntry("models", 2)
        .containsEntry("share_below_0", 0.5);
  }

  /** Ten models that see a planted margin through noise of their own. */
  @Test
  void weakLabelsAreTheFlippedOnes() throws IOException {
    Random random = new Random(6);
    boolean[] isFlipped = new boolean[300];
    StringBuilder[] models = new StringBuilder[10];
    for (int model = 0; model < models.length; model++) {
      models[model] = new StringBuilder();
    }
    for (int pair = 0; pair < isFlipped.length; pair++) {
      isFlipped[pair] = random.nextDouble() < 0.15;
      double margin = (isFlipped[pair] ? -1 : 1) * (0.5 + random.nextDouble());
      for (StringBuilder model : models) {
        model.append(scored("p" + pair, margin + random.nextGaussian(), 0));
      }
    }
    String[] texts = new String[models.length];
    for (int model = 0; model < texts.length; model++) {
      texts[model] = models[model].toString();
    }
    Map<String, Object> facts = strength(texts);

    List<JsonNode> rows = files.read("strength.jsonl");
    double above = 0;
    double comparisons = 0;
    for (int flipped = 0; flipped < rows.size(); flipped++) {
      for (int clean = 0; clean < rows.size(); clean++) {
        if (isFlipped[flipped] && !isFlipped[clean]) {
          comparisons++;
          above += of(rows.get(flipped)) < of(rows.get(clean)) ? 1 : 0;
        }
      }
    }
    assertThat(above / comparisons).as("area under the curve").isGreaterThan(0.9);
    assertThat((double) facts.get("share_below_0")).isCloseTo(0.15, within(0.06));
  }

  private static double of(JsonNode row) {
    return row.get("preference_strength").asDouble();
  }

  @Test
  void filesOfOtherRowsAreNamed() {
    assertThatThrownBy(() -> strength(scored("a", 1, 0), scored("b", 1, 0)))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("row 1 of")
        .hasMessageContaining("all models score the same file");
    assertThatThrownBy(() -> strength(scored("a", 1, 0)))
        .isInstanceOf(CollimateException.class)
        .hasMessage("--scores: must be given at least twice, an ensemble has several models");
  }

  private static String scored(String prompt, double chosen, double rejected) {
    return "{\"prompt\": \"%s\", \"chosen\": \"yes\", \"rejected\": \"no\", \"chosen_reward\": %s, \"rejected_reward\": %s}\n"
        .formatted(prompt, chosen, rejected);
  }

  private Map<String, Object> strength(String... models) throws IOException {
    List<Source> sources = new ArrayList<>();
    for (int model = 0; model < models.length; model++) {
      sources.add(files.write("model-%d.jsonl".formatted(model), models[model]));
    }
    return PreferenceStrength.run(spark, sources, files.path("strength.jsonl"));
  }
}
