package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.random.CounterRandom;
import java.util.ArrayList;
import java.util.List;

/**
 * A reward model's objective on pairs with a contrastive term (Wang et al. 2024, Secrets of RLHF in
 * Large Language Models Part II, arXiv:2401.06080): a representation read twice under dropout has
 * to be nearer to itself than to those of the step's other rows, {@link Contrast}. The
 * representation is the difference of both answers' last hidden states, which worked best there, or
 * each answer's own.
 *
 * <p>The model itself is trained without dropout, so the term has one of its own, on the
 * representation. It is made once per step, from the gathered states; a row's share is its
 * first-order expansion in the row's own states, so value and gradient are those of the whole. An
 * evaluation leaves the term out: it would measure how many rows are held out.
 */
final class WithContrast implements Objective {

  private static final String CONTRASTIVE = "contrastive";
  private static final String NONE = "none";
  private static final String DIFFERENCE = "simcse_diff";
  private static final String ANSWERS = "simcse";
  private static final List<String> KINDS = List.of(ANSWERS, DIFFERENCE);

  private static final List<ObjectiveOption> OPTIONS =
      List.of(
          ObjectiveOption.choice(
              CONTRASTIVE,
              List.of(NONE, ANSWERS, DIFFERENCE),
              List.of(NONE, ANSWERS, DIFFERENCE),
              "Also tell rows apart by their last hidden states, with SimCSE's loss: `simcse_diff` of"
                  + " the chosen less the rejected answer's, `simcse` of each answer's;"
                  + " arXiv:2401.06080 (experimental). An evaluation leaves it out."),
          ObjectiveOption.number("contrastive_weight", 0.1, "> 0", "Weight of the term.")
              .onlyWith(CONTRASTIVE, KINDS),
          ObjectiveOption.number(
                  "contrastive_temperature", 0.05, "> 0", "Divides the cosines; SimCSE's is 0.05.")
              .onlyWith(CONTRASTIVE, KINDS),
          ObjectiveOption.number(
                  "contrastive_dropout",
                  0.1,
                  "> 0 and < 1",
                  "Share of a state's numbers that each of its two readings leaves out.")
              .onlyWith(CONTRASTIVE, KINDS));

  private final Objective base;
  private final boolean isOfDifferences;
  private final double weight;
  private final double temperature;
  private final double dropout;

  private WithContrast(Objective base, Options options) {
    this.base = base;
    isOfDifferences = options.text(CONTRASTIVE).equals(DIFFERENCE);
    weight = options.number("contrastive_weight");
    temperature = options.number("contrastive_temperature");
    dropout = options.number("contrastive_dropout");
  }

  /** The objective with the options of the term; without it it is the objective itself. */
  static ObjectiveSpec of(ObjectiveSpec reward) {
    return reward
        .withOptions(
            OPTIONS,
            options -> {
              Objective base = reward.create().apply(options);
              return options.text(CONTRASTIVE).equals(NONE)
                  ? base
                  : new WithContrast(base, options);
            })
        .withLimits("contrastive with one row in the step, and an evaluation, is the loss without");
  }

  @Override
  public Declaration declaration() {
    return base.declaration()
        .withLearned(Quantity.LAST_HIDDEN)
        .withGather()
        .withGathered(Quantity.LAST_HIDDEN);
  }

  @Override
  public Objective over(TrainingSet rows) {
    return this;
  }

  /** The chosen answer's state, then the rejected one's. */
  @Override
  public double[] gather(RowInputs inputs) {
    SequenceScores chosen = inputs.hidden(Reward.CHOSEN);
    SequenceScores rejected = inputs.hidden(Reward.REJECTED);
    double[] states = new double[chosen.count() + rejected.count()];
    for (int k = 0; k < chosen.count(); k++) {
      states[k] = chosen.value(k);
      states[chosen.count() + k] = rejected.value(k);
    }
    return states;
  }

  /**
   * Of each row the value of its share, then the derivatives by its two states, then the states
   * themselves; nothing for an evaluation.
   */
  @Override
  public StepPlan plan(GlobalBatch batch) {
    if (batch.isEvaluation()) {
      return StepPlan.unchanged(batch.state());
    }
    double[][] states = batch.gathered();
    double[][] perRow = new double[states.length][];
    for (int row = 0; row < perRow.length; row++) {
      perRow[row] = new double[1 + 2 * states[row].length];
      System.arraycopy(states[row], 0, perRow[row], 1 + states[row].length, states[row].length);
    }
    List<double[]> parts = isOfDifferences ? List.of(new double[] {1, -1}) : answers();
    for (int part = 0; part < parts.size(); part++) {
      add(batch, part, parts.get(part), 1.0 / parts.size(), perRow);
    }
    return new StepPlan(batch.state(), new double[0], perRow);
  }

  /** Chosen answers among chosen ones, and rejected among rejected ones. */
  private static List<double[]> answers() {
    return List.of(new double[] {1, 0}, new double[] {0, 1});
  }

  /**
   * Adds the contrast of one representation of each row.
   *
   * @param factors of the chosen and the rejected state in it
   */
  private void add(GlobalBatch batch, int part, double[] factors, double share, double[][] perRow) {
    int count = batch.rows().size();
    double[][] representations = new double[count][];
    double[][] first = new double[count][];
    double[][] second = new double[count][];
    double[] weights = new double[count];
    for (int row = 0; row < count; row++) {
      double[] states = batch.gathered()[row];
      int width = states.length / 2;
      representations[row] = new double[width];
      for (int k = 0; k < width; k++) {
        representations[row][k] = factors[0] * states[k] + factors[1] * states[width + k];
      }
      CounterRandom draws =
          CounterRandom.of(batch.seed(), "contrastive " + batch.rows().get(row).key())
              .child(batch.step())
              .child(part);
      first[row] = kept(draws.child(0), width);
      second[row] = kept(draws.child(1), width);
      weights[row] = batch.rows().get(row).weight();
    }
    Contrast contrast = Contrast.of(representations, first, second, weights, temperature);
    for (int row = 0; row < count; row++) {
      perRow[row][0] += share * contrast.losses()[row];
      double[] gradient = contrast.gradients()[row];
      for (int k = 0; k < gradient.length; k++) {
        perRow[row][1 + k] += share * factors[0] * gradient[k];
        perRow[row][1 + gradient.length + k] += share * factors[1] * gradient[k];
      }
    }
  }

  private double[] kept(CounterRandom draws, int width) {
    double[] kept = new double[width];
    for (int k = 0; k < width; k++) {
      kept[k] = draws.uniform(k) < dropout ? 0 : 1 / (1 - dropout);
    }
    return kept;
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    RowLoss row = base.row(inputs);
    if (!inputs.hasGiven()) {
      return row;
    }
    int width = inputs.hidden(Reward.CHOSEN).count();
    List<Scalar> terms = new ArrayList<>();
    terms.add(Scalar.constant(inputs.given(0)));
    for (int side = 0; side < 2; side++) {
      SequenceScores state = inputs.hidden(side == 0 ? Reward.CHOSEN : Reward.REJECTED);
      for (int k = 0; k < width; k++) {
        int at = side * width + k;
        terms.add(
            state.variable(k).minus(inputs.given(1 + 2 * width + at)).times(inputs.given(1 + at)));
      }
    }
    Scalar contrast = Scalar.sum(terms);
    return row.plus(RowLoss.perRow(contrast.times(weight)))
        .report("contrastive_loss", contrast.value());
  }
}
