package dev.collimate.objective;

import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/** An objective that adds a term to every row of another one, whose everything else it is. */
abstract class Extended implements Objective {

  private final Objective base;

  Extended(Objective base) {
    this.base = base;
  }

  /**
   * The objective with the options of a term; where the term has no weight it is the objective
   * itself.
   *
   * @param weight the name of the option that is the term's weight
   */
  static ObjectiveSpec of(
      ObjectiveSpec spec,
      List<ObjectiveOption> options,
      String weight,
      BiFunction<Objective, Options, Objective> extension) {
    return spec.withOptions(
        options,
        values -> {
          Objective base = spec.create().apply(values);
          return values.number(weight) == 0 ? base : extension.apply(base, values);
        });
  }

  /** What is extended. */
  final Objective base() {
    return base;
  }

  @Override
  public final List<String> warnings() {
    return base.warnings();
  }

  @Override
  public final double[] initialState(TrainingRows rows) {
    return base.initialState(rows);
  }

  @Override
  public final double[] gather(RowInputs inputs) {
    return base.gather(inputs);
  }

  @Override
  public final StepPlan plan(GlobalBatch batch) {
    return base.plan(batch);
  }

  @Override
  public final Map<String, Double> summary(Map<String, Double> means) {
    return base.summary(means);
  }
}
