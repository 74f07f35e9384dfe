package dev.collimate.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import dev.collimate.config.Source;
import dev.collimate.data.LocalSpark;
import dev.collimate.reward.PromptMixer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What two rewards gave preferred answers, a poem's its style, a sum's that it is right. */
@ExtendWith(LocalSpark.class)
class FitMixerTest {

  private static final String STYLE =
      """
      {"prompt": "a poem", "chosen_reward": 1, "rejected_reward": 0}
      {"prompt": [{"role": "user", "content": "a sum"}], "chosen_reward": 0, "rejected_reward": 0}
      """;

  private static final String RIGHT =
      """
      {"prompt": "a poem", "chosen_reward": -7, "rejected_reward": 0}
      {"prompt": [{"role": "user", "content": "a sum"}], "chosen_reward": 7, "rejected_reward": 0}
      """;

  @TempDir private Path folder;
  private SparkSession spark;

  @BeforeEach
  void open(SparkSession session) {
    spark = session;
  }

  private Map<String, Object> fit(String style, String right) throws IOException {
    return FitMixer.run(
        spark,
        List.of("style", "right"),
        List.of(source("style.jsonl", style), source("right.jsonl", right)),
        0.2,
        folder.resolve("mixer.json").toString());
  }

  private Source source(String name, String rows) throws IOException {
    Path file = folder.resolve(name);
    Files.writeString(file, rows);
    return new Source(
        Optional.of(file.toString()), Optional.empty(), Optional.empty(), Map.of(), List.of());
  }

  @Test
  void theMixerIsWrittenAsARunReadsIt() throws IOException {
    Map<String, Object> facts = fit(STYLE, RIGHT);

    PromptMixer mixer =
        PromptMixer.ofJson(
            Files.readString(folder.resolve("mixer.json")), "rollout.reward_mixer", "mixer.json");
    assertThat(mixer.rewards()).containsExactly("style", "right");
    assertThat(mixer.weights("poem")[0]).isGreaterThan(0.8);
    assertThat(mixer.weights("sum")[1]).isGreaterThan(0.8);
    assertThat(facts).containsEntry("rows", 2);
    assertThat((double) facts.get("mean_weight/style")).isCloseTo(0.5, within(0.01));
    assertThat((double) facts.get("mean_entropy"))
        .isPositive()
        .isLessThan((double) facts.get("most_entropy"));
  }

  @Test
  void rewardsOfOtherRowsAreRefused() {
    assertThatThrownBy(() -> fit(STYLE, RIGHT.replace("poem", "song")))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("row 1 of")
        .hasMessageContaining("another prompt than the first file");
    assertThatThrownBy(() -> fit(STYLE, RIGHT.replace("chosen_reward", "reward_of")))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("has no number 'chosen_reward' or 'reward'");
  }
}
