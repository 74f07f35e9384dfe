package dev.collimate.learn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.objective.Objective;
import dev.collimate.objective.Objectives;
import dev.collimate.objective.RowFacts;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.objective.StepTotals;
import dev.collimate.parameters.FlatVector;
import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** WPO through a model: DPO times a number that the model's own distribution gives. */
class WeightedPairsTest {

  private static final double BETA = 0.3;
  private static final double FLOAT32 = 1e-6;

  /** The objectives by what bounds their weight. */
  private enum Weighted {
    WPO {
      @Override
      Objective objective() {
        return Objectives.create("wpo", Map.of("beta", BETA));
      }

      @Override
      double bounded(double weight) {
        return Math.min(1, weight);
      }
    },
    USE_WEIGHTING {
      @Override
      Objective objective() {
        return Objectives.create("dpo", Map.of("beta", BETA, "use_weighting", true));
      }

      @Override
      double bounded(double weight) {
        return weight;
      }
    };

    abstract Objective objective();

    abstract double bounded(double weight);
  }

  @ParameterizedTest
  @EnumSource
  void theGradientIsDposTimesTheWeightOfUnlikelyText(Weighted weighted) {
    float[] logits = logits(1);
    LearnRow row = row(1);
    assertThat(weight(logits, row)).isLessThan(0.1);
    checkGradient(weighted, logits, row);
  }

  @ParameterizedTest
  @EnumSource
  void theGradientIsDposTimesTheWeightOfThePolicysOwnText(Weighted weighted) {
    float[] logits = logits(1);
    LearnRow row = row(greedy(logits, 0, 6), greedy(logits, 1, 4));
    assertThat(weight(logits, row)).isGreaterThan(1.1);
    checkGradient(weighted, logits, row);
  }

  private static void checkGradient(Weighted weighted, float[] logits, LearnRow row) {
    double weight = weighted.bounded(weight(logits, row));
    Step plain = step(Objectives.create("dpo", Map.of("beta", BETA)), logits, row);

    Step step = step(weighted.objective(), logits, row);

    SoftAssertions softly = new SoftAssertions();
    softly.assertThat(step.loss()).isCloseTo(weight * plain.loss(), within(FLOAT32));
    for (long i = 0; i < plain.gradient().size(); i++) {
      softly
          .assertThat((double) step.gradient().get(i))
          .as("entry %d", i)
          .isCloseTo(weight * plain.gradient().get(i), within(FLOAT32));
    }
    softly.assertAll();
  }

  /** The derivative of {@code W * loss} with W as it was before the parameter moved. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void theWeightIsHeldWhileTheLossIsDerived(int seed) {
    LearnRow row = row(seed);
    float[] logits = logits(seed);
    double weight = weight(logits, row);
    Objective plain = Objectives.create("dpo", Map.of("beta", BETA));
    Step step = step(Weighted.USE_WEIGHTING.objective(), logits, row);

    SoftAssertions softly = new SoftAssertions();
    for (int i = 0; i < logits.length; i++) {
      float at = logits[i];
      logits[i] = at + 0x1p-5f;
      double up = step(plain, logits, row).loss();
      logits[i] = at - 0x1p-5f;
      double down = step(plain, logits, row).loss();
      logits[i] = at;
      softly
          .assertThat((double) step.gradient().get(i))
          .as("entry %d", i)
          .isCloseTo(weight * (up - down) / 0x1p-4, within(1e-3));
    }
    softly.assertAll();
  }

  @ParameterizedTest
  @EnumSource
  void aUniformPolicyWeighsEveryPairOne(Weighted weighted) {
    LearnRow row = row(3);
    float[] logits = new float[SixteenRows.VOCAB * SixteenRows.VOCAB];
    Step plain = step(Objectives.create("dpo", Map.of("beta", BETA)), logits, row);

    Step step = step(weighted.objective(), logits, row);

    assertThat(step.loss()).isCloseTo(plain.loss(), within(FLOAT32));
    for (long i = 0; i < plain.gradient().size(); i++) {
      assertThat(step.gradient().get(i)).isCloseTo(plain.gradient().get(i), within(1e-6f));
    }
  }

  /** A policy that is nearly certain weighs its own text 1, and other text next to nothing. */
  @ParameterizedTest
  @CsvSource({"1, 1.0", "2, 0.0"})
  void aCertainPolicyWeighsItsOwnTextOne(int stride, double expected) {
    float[] logits = new float[SixteenRows.VOCAB * SixteenRows.VOCAB];
    for (int token = 0; token < SixteenRows.VOCAB; token++) {
      logits[token * SixteenRows.VOCAB + (token + 1) % SixteenRows.VOCAB] = 20;
    }
    Sequence counting = sequence(new int[] {0, 1, 2, 3});
    Sequence striding = sequence(new int[] {0, stride, 2 * stride, 3 * stride});
    LearnRow row = row(counting, striding);
    Step plain = step(Objectives.create("dpo", Map.of("beta", BETA)), logits, row);

    Step step = step(Weighted.USE_WEIGHTING.objective(), logits, row);

    assertThat(step.loss() / plain.loss()).isCloseTo(expected, within(1e-5));
  }

  private record Step(double loss, FlatVector gradient) {}

  private static Step step(Objective objective, float[] logits, LearnRow row) {
    Learner learner = new Learner(new BigramModel(SixteenRows.VOCAB), objective);
    FlatVector parameters = new FlatVector(logits.length);
    for (int i = 0; i < logits.length; i++) {
      parameters.set(i, logits[i]);
    }
    learner.load(parameters);
    FlatVector gradient = new FlatVector(logits.length);
    StepTotals totals = StepTotals.of(List.of(RowFacts.of(row.example())));
    LeafResult result =
        learner.gradient(new StepContext(1, totals, new double[0]), List.of(row), gradient);
    return new Step(result.loss(), gradient);
  }

  /** {@code exp(mean(log p - log sum p^2))} of either side, multiplied. */
  private static double weight(float[] logits, LearnRow row) {
    double log = 0;
    for (Sequence sequence : row.example().sequences().values()) {
      int counted = sequence.length() - 1;
      for (int t = 1; t < sequence.length(); t++) {
        double total = 0;
        double squares = 0;
        for (int v = 0; v < SixteenRows.VOCAB; v++) {
          double e = Math.exp(logits[sequence.ids()[t - 1] * SixteenRows.VOCAB + v]);
          total += e;
          squares += e * e;
        }
        double logit = logits[sequence.ids()[t - 1] * SixteenRows.VOCAB + sequence.ids()[t]];
        log += (logit - Math.log(total) - Math.log(squares / (total * total))) / counted;
      }
    }
    return Math.exp(log);
  }

  /** A token, and after each the most likely one. */
  private static Sequence greedy(float[] logits, int first, int length) {
    int[] ids = new int[length];
    ids[0] = first;
    for (int t = 1; t < length; t++) {
      int row = ids[t - 1] * SixteenRows.VOCAB;
      for (int v = 0; v < SixteenRows.VOCAB; v++) {
        ids[t] = logits[row + v] > logits[row + ids[t]] ? v : ids[t];
      }
    }
    return sequence(ids);
  }

  private static float[] logits(long seed) {
    Random random = new Random(seed);
    float[] logits = new float[SixteenRows.VOCAB * SixteenRows.VOCAB];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) (1.2 * random.nextGaussian());
    }
    return logits;
  }

  private static LearnRow row(long seed) {
    Random random = new Random(seed);
    return row(
        sequence(random.ints(6, 0, SixteenRows.VOCAB).toArray()),
        sequence(random.ints(4, 0, SixteenRows.VOCAB).toArray()));
  }

  private static LearnRow row(Sequence chosen, Sequence rejected) {
    Example example =
        new Example("a", "h", 1, Map.of("chosen", chosen, "rejected", rejected), Map.of());
    return new LearnRow(
        example, new Reference(Map.of("chosen", -12.0, "rejected", -7.0), Map.of()));
  }

  /** One token of prompt; the rest counts. */
  private static Sequence sequence(int[] ids) {
    byte[] mask = new byte[ids.length];
    for (int t = 1; t < mask.length; t++) {
      mask[t] = 1;
    }
    return new Sequence(ids, 1, mask);
  }
}
