package dev.collimate.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import dev.collimate.inference.FeatureReward.Fit;
import dev.collimate.inference.FeatureReward.Fitted;
import dev.collimate.inference.LogisticFit.Penalty;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FeatureRewardTest {

  private static final double[] PLANTED = {0.8, -0.3, 0};
  private static final List<String> NAMES = List.of("helpful", "too_long", "idle");

  /** Pairs whose labels follow {@code P(chosen) = sigmoid(w . (f_c - f_r))}. */
  private record Pairs(double[][] chosen, double[][] rejected) {

    static Pairs planted(double[] weights, int count, long seed) {
      Random random = new Random(seed);
      double[][] chosen = new double[count][];
      double[][] rejected = new double[count][];
      for (int i = 0; i < count; i++) {
        double[] a = random.doubles(weights.length, -2, 2).toArray();
        double[] b = random.doubles(weights.length, -2, 2).toArray();
        double margin = LogisticFit.dot(weights, a) - LogisticFit.dot(weights, b);
        boolean isFirst = random.nextDouble() < LogisticFit.sigmoid(margin);
        chosen[i] = isFirst ? a : b;
        rejected[i] = isFirst ? b : a;
      }
      return new Pairs(chosen, rejected);
    }

    Fitted fit(List<String> names, Fit fit) {
      return FeatureReward.fit(names, chosen, rejected, fit);
    }

    double accuracy(FeatureReward reward) {
      int right = 0;
      for (int i = 0; i < chosen.length; i++) {
        right += reward.of(chosen[i]) > reward.of(rejected[i]) ? 1 : 0;
      }
      return (double) right / chosen.length;
    }
  }

  private static Fit linear(Penalty penalty, OptionalDouble c) {
    return new Fit(/* hidden= */ 0, penalty, c, /* isMonotone= */ false, /* seed= */ 1);
  }

  @Test
  void thePlantedDirectionIsRecovered() {
    Fitted fitted =
        Pairs.planted(PLANTED, 5_000, 1).fit(NAMES, linear(Penalty.L2, OptionalDouble.empty()));

    double[] weights = fitted.reward().weights();
    double cosine =
        LogisticFit.dot(weights, PLANTED)
            / Math.sqrt(LogisticFit.dot(weights, weights) * LogisticFit.dot(PLANTED, PLANTED));
    assertThat(cosine).isGreaterThan(0.98);
    assertThat(fitted.heldOutAccuracy().orElseThrow()).isBetween(0.6, 0.9);
  }

  @Test
  void aSparsePenaltyLeavesTheIdleFeatureOut() {
    Fitted fitted =
        Pairs.planted(PLANTED, 5_000, 1).fit(NAMES, linear(Penalty.L1, OptionalDouble.of(0.01)));

    assertThat(fitted.reward().weights()[0]).isPositive();
    assertThat(fitted.reward().weights()[1]).isNegative();
    assertThat(fitted.reward().weights()[2]).isZero();
  }

  /** {@code sigmoid(0.8 * 1 - 0.3 * 2) = 0.5498340}, and the other way round what is left of 1. */
  @Test
  void theProbabilityOfAPairIsThatOfItsDifference() {
    FeatureReward reward =
        new FeatureReward(
            List.of("a", "b"),
            new double[] {5, 5},
            new double[] {1, 1},
            new double[] {0.8, -0.3},
            null);
    double difference = reward.of(new double[] {3, 4}) - reward.of(new double[] {2, 2});
    assertThat(LogisticFit.sigmoid(difference)).isCloseTo(0.5498340, within(1e-7));
    assertThat(reward.of(new double[] {2, 2}) - reward.of(new double[] {3, 4}))
        .isEqualTo(-difference);
  }

  /** The gradient of {@code C * sum softplus(-w d) + w^2 / 2} is zero where Newton ends. */
  @Test
  void theFitIsWhereTheGradientVanishes() {
    double[][] differences = {{1.0, 0.5}, {-0.25, 2.0}, {0.5, -1.0}, {2.0, 0.25}};
    double[] weights = new LogisticFit(Penalty.L2, 3, false).weights(differences);
    for (int k = 0; k < 2; k++) {
      double gradient = weights[k];
      for (double[] difference : differences) {
        gradient -= 3 * LogisticFit.sigmoid(-LogisticFit.dot(weights, difference)) * difference[k];
      }
      assertThat(gradient).isCloseTo(0, within(1e-5));
    }
  }

  /** Of seven features three matter; two hundred pairs are enough for their signs and order. */
  @Test
  void aFewHundredPairsAreEnough() {
    double[] planted = {2, 1, -1.5, 0, 0, 0, 0};
    List<String> names = List.of("a", "b", "c", "d", "e", "f", "g");
    Pairs held = Pairs.planted(planted, 2_000, 9);
    Pairs train = Pairs.planted(planted, 200, 3);

    FeatureReward weights = train.fit(names, linear(Penalty.L2, OptionalDouble.empty())).reward();
    FeatureReward network =
        train.fit(names, new Fit(4, Penalty.L2, OptionalDouble.of(1), false, 1)).reward();

    double best = held.accuracy(new FeatureReward(names, new double[7], filled(1), planted, null));
    assertThat(weights.weights()[0]).isGreaterThan(weights.weights()[1]);
    assertThat(weights.weights()[1]).isGreaterThan(0);
    assertThat(weights.weights()[2]).isLessThan(0);
    assertThat(held.accuracy(weights)).isGreaterThan(best - 0.04);
    assertThat(held.accuracy(network)).isGreaterThan(best - 0.08);
  }

  private static double[] filled(double value) {
    double[] all = new double[7];
    Arrays.fill(all, value);
    return all;
  }

  @Test
  void aMonotoneNetworkNeverFalls() {
    Pairs pairs = Pairs.planted(new double[] {1, 0.5, -1}, 200, 4);
    FeatureReward reward =
        pairs.fit(NAMES, new Fit(3, Penalty.L2, OptionalDouble.of(1), true, 1)).reward();
    Random random = new Random(7);
    for (int draw = 0; draw < 200; draw++) {
      double[] low = random.doubles(3, -2, 2).toArray();
      double[] high = low.clone();
      high[draw % 3] += random.nextDouble();
      assertThat(reward.of(high)).isGreaterThanOrEqualTo(reward.of(low));
    }
  }

  @Test
  void whatIsStoredIsRead() {
    Pairs pairs = Pairs.planted(PLANTED, 50, 1);
    Fitted fitted = pairs.fit(NAMES, new Fit(2, Penalty.L2, OptionalDouble.of(1), false, 1));
    FeatureReward read = FeatureReward.ofJson("--model", fitted.reward().toJson());
    assertThat(read.of(pairs.chosen()[0])).isEqualTo(fitted.reward().of(pairs.chosen()[0]));
    assertThatThrownBy(() -> FeatureReward.ofJson("--model", "{}".getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith("--model: is no feature reward, which features fit writes");
  }
}
