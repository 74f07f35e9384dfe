package dev.collimate.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import dev.collimate.reward.PromptMixer.Preferred;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Prompts about poems, whose answers are liked for their style, and about sums, for being right.
 */
class PromptMixerTest {

  private static final List<String> REWARDS = List.of("style", "right");

  private static PromptMixer fitted() {
    Random random = new Random(3);
    List<Preferred> answers = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      boolean isPoem = i % 2 == 0;
      double liked = 2 + random.nextDouble();
      double noise = random.nextDouble() - 1;
      answers.add(
          new Preferred(
              isPoem ? "Write a poem about the sea." : "What is %d plus 7?".formatted(i),
              isPoem ? new double[] {liked, noise} : new double[] {noise, liked}));
    }
    return PromptMixer.fit(REWARDS, answers, 0.3);
  }

  @Test
  void aPromptsWordsSayWhatItIsAbout() {
    PromptMixer mixer = fitted();
    assertThat(mixer.weights("Write a poem on trees!")[0]).isGreaterThan(0.8);
    assertThat(mixer.weights("what is 12345 plus 9")[1]).isGreaterThan(0.8);
  }

  @Test
  void aRewardThatDoesNotApplyAddsNothing() {
    PromptMixer mixer = fitted();
    double[] weights = mixer.weights("plus");
    double[] normalised = mixer.mixer().normalised(new double[] {1, 1});
    assertThat(mixer.mixed("plus", List.of(1.0, 1.0)))
        .isCloseTo(weights[0] * normalised[0] + weights[1] * normalised[1], within(1e-12));
    assertThat(mixer.mixed("plus", List.of(Double.NaN, 1.0)))
        .isCloseTo(weights[1] * normalised[1], within(1e-12));
    assertThat(mixer.mixed("plus", List.of(Double.NaN, Double.NaN))).isNaN();
  }

  @Test
  void aFileIsTheSameMixerToTheBit() {
    PromptMixer mixer = fitted();
    PromptMixer read = PromptMixer.ofJson(mixer.toJson(), "rollout.reward_mixer", "mixer.json");
    assertThat(read.rewards()).isEqualTo(REWARDS);
    assertThat(read.mixer().matrix()).isDeepEqualTo(mixer.mixer().matrix());
    assertThat(read.mixer().means()).isEqualTo(mixer.mixer().means());
  }

  @Test
  void anotherFileIsRefused() {
    for (String text :
        List.of("[]", "{\"rewards\": []}", "no", fitted().toJson().replace("\"right\"", "1, 2"))) {
      assertThatThrownBy(() -> PromptMixer.ofJson(text, "rollout.reward_mixer", "m.json"))
          .isInstanceOf(CollimateException.class)
          .hasMessage(
              "rollout.reward_mixer: 'm.json' is no mixer of rewards; collimate mix writes one");
    }
  }
}
