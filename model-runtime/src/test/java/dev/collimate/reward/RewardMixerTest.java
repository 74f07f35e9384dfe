package dev.collimate.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.reward.RewardMixer.Preferred;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The checks of PRO's card. */
class RewardMixerTest {

  private static final List<Preferred> ROWS =
      List.of(
          new Preferred(new double[] {1, 0}, new double[] {1, 10, 3}),
          new Preferred(new double[] {0, 1}, new double[] {2, 40, 3}),
          new Preferred(new double[] {1, 1}, new double[] {3, 10, 3}));

  @Test
  void rewardsAreNormalisedOverTheTrainingSet() {
    RewardMixer mixer = RewardMixer.fit(ROWS, 1);
    // mean 2, deviation sqrt(2/3); mean 20, deviation sqrt(200); the third never varies.
    assertThat(mixer.normalised(new double[] {3, 40, 4}))
        .containsExactly(new double[] {Math.sqrt(1.5), Math.sqrt(2), 1}, within(1e-12));
  }

  @Test
  void aHighTemperatureWeighsAllAlike() {
    for (double weight : RewardMixer.fit(ROWS, 1e9).weights(new double[] {1, 0})) {
      assertThat(weight).isCloseTo(1.0 / 3, within(1e-6));
    }
  }

  @Test
  void aLowTemperatureAsksForTheBestAlone() {
    assertThat(RewardMixer.softmax(new double[] {0.1, 0.3, 0.2}, 1e-4))
        .containsExactly(new double[] {0, 1, 0}, within(1e-12));
  }

  @Test
  void theRewardThatAKindOfPromptIsAboutIsFound() {
    Random random = new Random(7);
    List<Preferred> rows =
        IntStream.range(0, 300)
            .mapToObj(
                i -> {
                  double[] features = new double[3];
                  features[i % 3] = 1;
                  double[] rewards = random.doubles(3).map(r -> r - 1).toArray();
                  // An answer is preferred for what its prompt is about; the others are noise.
                  rewards[i % 3] += 3;
                  return new Preferred(features, rewards);
                })
            .toList();
    RewardMixer mixer = RewardMixer.fit(rows, 0.3);
    for (int kind = 0; kind < 3; kind++) {
      double[] features = new double[3];
      features[kind] = 1;
      assertThat(mixer.weights(features)[kind]).as("kind %d", kind).isGreaterThan(0.8);
    }
  }

  @Test
  void oneRewardAloneIsItself() {
    List<Preferred> rows =
        List.of(
            new Preferred(new double[] {1}, new double[] {0}),
            new Preferred(new double[] {2}, new double[] {4}));
    RewardMixer mixer = RewardMixer.fit(rows, 1);
    assertThat(mixer.weights(new double[] {5})).containsExactly(1);
    assertThat(mixer.mixed(new double[] {5}, new double[] {4})).isEqualTo(1);
  }

  @Test
  void theFitIsTheSameToTheBit() {
    RewardMixer first = RewardMixer.fit(ROWS, 0.5);
    RewardMixer second = RewardMixer.fit(ROWS, 0.5);
    assertThat(second.matrix()).isDeepEqualTo(first.matrix());
  }
}
