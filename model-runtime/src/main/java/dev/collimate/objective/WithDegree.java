package dev.collimate.objective;

import dev.collimate.CollimateException;
import dev.collimate.nn.Quantity;
import dev.collimate.text.FurtherSequence;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * An objective on pairs with a side task of preference degrees (self-supervised preference
 * optimization, Li et al. 2024, arXiv:2409.17791): of each side there are weaker versions, from
 * which ever more key phrases were taken, and a linear head on the last hidden state has to tell
 * which of them it reads, {@code degree_weight * (CE(chosen side) + CE(rejected side))}, each a
 * mean over the versions. The heads, one for each side, start at zero and are not part of the
 * result.
 */
final class WithDegree extends Extended {

  private static final String WEIGHT = "degree_weight";
  private static final String LEVELS = "degree_levels";

  private static final List<ObjectiveOption> OPTIONS =
      List.of(
          ObjectiveOption.number(
              WEIGHT,
              0.0,
              ">= 0",
              "Weight of telling how much was deleted from an answer (self-supervised preference"
                  + " degrees, arXiv:2409.17791, experimental), usually 0.1 to 1; 0: the task is left out."),
          ObjectiveOption.number(
              LEVELS,
              3.0,
              ">= 2 and <= 10",
              "Degrees, the whole answer among them: the columns chosen_degraded_1 and on, and"
                  + " rejected_degraded_1 and on, are one fewer. Read with degree_weight above 0."));

  private final Options options;
  private final double weight;
  private final int levels;

  /** Numbers of a hidden state; 0 where that is not known yet. */
  private final int hidden;

  private WithDegree(Objective base, Options options, int hidden) {
    super(base);
    this.options = options;
    this.hidden = hidden;
    weight = options.number(WEIGHT);
    double number = options.number(LEVELS);
    if (number != Math.rint(number)) {
      throw CollimateException.usage(
          "objective." + LEVELS + ": must be a whole number, got " + number);
    }
    levels = (int) number;
  }

  /** The objective with the options of degrees; without a weight it is the objective itself. */
  static ObjectiveSpec of(ObjectiveSpec pairs) {
    return of(pairs, OPTIONS, WEIGHT, (base, options) -> new WithDegree(base, options, 0))
        .withLimits("degree_weight: 0 is the objective without degrees");
  }

  private static String role(String side, int level) {
    return level == 0 ? side : side + "_degraded_" + level;
  }

  @Override
  public Declaration declaration() {
    List<FurtherSequence> degraded = new ArrayList<>();
    for (String side : List.of(Pairs.CHOSEN, Pairs.REJECTED)) {
      for (int level = 1; level < levels; level++) {
        degraded.add(new FurtherSequence(role(side, level), "{prompt}", role(side, level)));
      }
    }
    Declaration of = base().declaration();
    Declaration with =
        of.withSequences(degraded.toArray(FurtherSequence[]::new))
            .withLearned(Quantity.LAST_HIDDEN);
    return hidden == 0
        ? with
        : with.withParameters(
            Collections.nCopies(2 * levels * (1 + hidden), 0.0).toArray(Double[]::new));
  }

  @Override
  public Objective over(TrainingSet rows) {
    return new WithDegree(base().over(rows), options, rows.model().hidden());
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    List<Scalar> costs = new ArrayList<>();
    int told = 0;
    for (int side = 0; side < 2; side++) {
      for (int level = 0; level < levels; level++) {
        List<Scalar> logits =
            logits(inputs, side, role(side == 0 ? Pairs.CHOSEN : Pairs.REJECTED, level));
        costs.add(crossEntropy(logits, level));
        told += isGreatest(logits, level) ? 1 : 0;
      }
    }
    Scalar degree = Scalar.sum(costs).dividedBy(levels);
    return base()
        .row(inputs)
        .plus(RowLoss.perRow(degree.times(weight)))
        .report("degree_loss", degree.value())
        .report("degree_accuracy", told, costs.size());
  }

  private List<Scalar> logits(RowInputs inputs, int side, String role) {
    SequenceScores state = inputs.hidden(role);
    List<Scalar> logits = new ArrayList<>();
    for (int level = 0; level < levels; level++) {
      int first = (side * levels + level) * (1 + state.count());
      logits.add(inputs.parameters().affine(first, state));
    }
    return logits;
  }

  private static Scalar crossEntropy(List<Scalar> logits, int label) {
    double most = logits.stream().mapToDouble(Scalar::value).max().orElseThrow();
    Scalar sum = Scalar.sum(logits.stream().map(logit -> logit.minus(most).exp()).toList());
    return sum.log().plus(most).minus(logits.get(label));
  }

  private static boolean isGreatest(List<Scalar> logits, int label) {
    for (int other = 0; other < logits.size(); other++) {
      if (other != label && logits.get(other).value() >= logits.get(label).value()) {
        return false;
      }
    }
    return true;
  }
}
