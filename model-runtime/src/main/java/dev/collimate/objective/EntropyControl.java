package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What an objective does with the entropy of the policy's predictions, as TRL's GRPO: learn from
 * the least certain tokens alone (Wang et al. 2025, arXiv:2506.01939), and a bonus for entropy,
 * whose strength may follow a target (Skywork-OR1, arXiv:2505.22312). Quantile and mean are over
 * all tokens of the global batch.
 *
 * @param quantile share of the tokens, the least certain ones, that the policy learns from
 * @param coefficient of the bonus, before the first step where it is adaptive
 */
record EntropyControl(
    double quantile,
    double coefficient,
    boolean isAdaptive,
    double min,
    double max,
    double delta,
    double target) {

  /** What the entropy of the step before the first is: above every target. */
  private static final double NONE_YET = Double.MAX_VALUE;

  private static final String COMPLETION = Online.COMPLETION;

  static final List<ObjectiveOption> OPTIONS =
      List.of(
          ObjectiveOption.number(
              "top_entropy_quantile",
              1.0,
              ">= 0 and <= 1",
              "Share of the tokens, those of the highest entropy, that the policy learns from;"
                  + " below 1 costs a pass over the batch."),
          ObjectiveOption.number(
              "entropy_coef", 0.0, "", "Strength of a bonus for the tokens' mean entropy."),
          ObjectiveOption.flag(
              "use_adaptive_entropy",
              false,
              "The bonus is given after steps whose entropy is at most entropy_target, its strength"
                  + " rises then and falls after others; costs a pass over the batch."),
          ObjectiveOption.number("entropy_coef_min", 0.0, "", "Least adaptive strength."),
          ObjectiveOption.number("entropy_coef_max", 1.0, "", "Greatest adaptive strength."),
          ObjectiveOption.number(
              "entropy_coef_delta", 0.005, ">= 0", "Change of the strength per step."),
          ObjectiveOption.number(
              "entropy_target", 0.2, ">= 0", "Mean entropy in nats that the bonus keeps up."));

  static EntropyControl of(Options options) {
    return new EntropyControl(
        options.number("top_entropy_quantile"),
        options.number("entropy_coef"),
        options.flag("use_adaptive_entropy"),
        options.number("entropy_coef_min"),
        options.number("entropy_coef_max"),
        options.number("entropy_coef_delta"),
        options.number("entropy_target"));
  }

  /**
   * What holds in a step.
   *
   * @param threshold tokens below this entropy teach the policy nothing
   * @param tokensPerKept all tokens of the step over those that are kept
   * @param coefficient of the bonus
   */
  record Setting(double threshold, double tokensPerKept, double coefficient) {}

  /** Whether the entropies of the global batch are needed before the first gradient. */
  boolean gathers() {
    return quantile < 1 || isAdaptive;
  }

  boolean hasBonus() {
    return coefficient != 0 || isAdaptive;
  }

  Declaration declared(Declaration declaration) {
    Declaration declared = declaration;
    if (hasBonus()) {
      declared = declared.withLearned(Quantity.ENTROPY);
    }
    if (isAdaptive) {
      declared = declared.withState(coefficient, NONE_YET);
    }
    return gathers() ? declared.withGather().withGathered(Quantity.ENTROPY) : declared;
  }

  /** The entropy of each of a row's tokens. */
  double[] gather(RowInputs inputs) {
    float[] entropies = inputs.quantity(COMPLETION, Quantity.ENTROPY);
    double[] gathered = new double[entropies.length];
    for (int t = 0; t < gathered.length; t++) {
      gathered[t] = entropies[t];
    }
    return gathered;
  }

  StepPlan plan(GlobalBatch batch) {
    if (!gathers()) {
      return StepPlan.unchanged(batch.state());
    }
    double threshold = threshold(batch.gathered());
    double tokens = 0;
    double kept = 0;
    double entropy = 0;
    for (int row = 0; row < batch.gathered().length; row++) {
      double weight = batch.rows().get(row).weight();
      for (double ofToken : batch.gathered()[row]) {
        tokens += weight;
        if (ofToken >= threshold) {
          kept += weight;
          entropy += weight * ofToken;
        }
      }
    }
    double tokensPerKept = kept == 0 ? 1 : tokens / kept;
    double mean = kept == 0 ? 0 : entropy / kept;
    if (!isAdaptive) {
      double[] shared = {threshold, tokensPerKept, coefficient};
      return new StepPlan(batch.state(), shared, new double[0][]);
    }
    double before = batch.state()[0];
    double[] shared = {threshold, tokensPerKept, batch.state()[1] <= target ? before : 0};
    double after = mean <= target ? Math.min(before + delta, max) : Math.max(before - delta, min);
    return new StepPlan(new double[] {after, mean}, shared, new double[0][]);
  }

  /** Interpolated linearly between the two entropies next to it. */
  private double threshold(double[][] entropies) {
    double[] sorted = Arrays.stream(entropies).flatMapToDouble(Arrays::stream).sorted().toArray();
    if (sorted.length == 0 || quantile >= 1) {
      return Double.NEGATIVE_INFINITY;
    }
    double place = (1 - quantile) * (sorted.length - 1);
    int below = (int) Math.floor(place);
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  }

  Setting setting(RowInputs inputs) {
    return gathers()
        ? new Setting(inputs.shared(0), inputs.shared(1), inputs.shared(2))
        : new Setting(Double.NEGATIVE_INFINITY, 1, coefficient);
  }

  /**
   * The bonus of a row, to be added to its loss.
   *
   * @param perToken whether it is divided by all of the step's tokens, where the policy's loss is,
   *     and not by those that are kept
   */
  RowLoss bonus(RowInputs inputs, Setting setting, boolean perToken) {
    float[] entropies = inputs.quantity(COMPLETION, Quantity.ENTROPY);
    TokenLogProbs learned = inputs.variable(COMPLETION, Quantity.ENTROPY);
    List<Scalar> kept = new ArrayList<>();
    for (int t = 0; t < entropies.length; t++) {
      if (entropies[t] >= setting.threshold()) {
        kept.add(learned.token(t));
      }
    }
    double strength = setting.coefficient() * (perToken ? 1 : setting.tokensPerKept());
    return RowLoss.perToken(COMPLETION, Scalar.sum(kept).times(-strength))
        .report("entropy_coef", setting.coefficient());
  }
}
