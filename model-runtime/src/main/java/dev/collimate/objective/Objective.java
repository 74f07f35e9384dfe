package dev.collimate.objective;

import java.util.List;
import java.util.Map;

/**
 * A loss as a pure function of per-token quantities. The trainer runs the declared sequences
 * through the model, calls {@link #row} for every row and sums the terms; the objective sees no
 * tensor and no micro-batch. What couples the rows of a global batch goes through {@link #gather}
 * (on the workers, every row) and {@link #plan} (once, on the driver), so that it never depends on
 * how the batch is cut.
 */
public interface Objective {

  Declaration declaration();

  /**
   * The same objective for a training set, whose sizes and names it may need. Called once on the
   * driver and on every worker, before the first row.
   */
  default Objective over(TrainingSet rows) {
    return this;
  }

  /** What a person should know who trains with these options; a sentence each. */
  default List<String> warnings() {
    return List.of();
  }

  /**
   * The state before the first step, where something is learned of the training rows once. Called
   * on the driver, for a run that begins.
   *
   * @return as many numbers as {@link Declaration#initialState} has
   */
  default double[] initialState(TrainingRows rows) {
    return declaration().initialState().stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** One row's terms of the loss, and its metrics. */
  RowLoss row(RowInputs inputs);

  /**
   * The scalars of a row that {@link #plan} needs; called in the first pass, only where declared.
   *
   * @param inputs of the sequences in {@link Declaration#gathered}, with no other quantities than
   *     {@link Declaration#gatheredQuantities}, and without numbers of a plan, which is yet to be
   *     made
   * @return as many for every row, or one for each of its tokens
   */
  default double[] gather(RowInputs inputs) {
    return new double[0];
  }

  /**
   * Turns the state before the step and the rows' gathered scalars into the state after it and what
   * the rows read. Called once per step, before the first gradient; for evaluation its state is
   * discarded.
   */
  default StepPlan plan(GlobalBatch batch) {
    return StepPlan.unchanged(batch.state());
  }

  /**
   * Metrics that follow from the means of others, such as the worst of several.
   *
   * @param means by name
   */
  default Map<String, Double> summary(Map<String, Double> means) {
    return Map.of();
  }
}
