package dev.collimate.objective;

import dev.collimate.objective.RowInputs.StepNumbers;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A step of an objective that trains a reward model, over plain numbers. */
final class ScoreStep {

  private ScoreStep() {}

  /**
   * A pair of weight 1.
   *
   * @param scalars its number columns
   */
  record Pair(double[] chosen, double[] rejected, Map<String, Double> scalars) {

    static Pair of(double chosen, double rejected) {
      return new Pair(new double[] {chosen}, new double[] {rejected}, Map.of());
    }

    Pair with(String column, double number) {
      Map<String, Double> all = new LinkedHashMap<>(scalars);
      all.put(column, number);
      return new Pair(chosen, rejected, all);
    }
  }

  /**
   * What came of it.
   *
   * @param gradients [pair][side][label]
   */
  record Result(double loss, double[][][] gradients, List<RowLoss> rows) {}

  static Result of(Objective objective, List<Pair> pairs) {
    StepTotals totals =
        new StepTotals(pairs.size(), pairs.size(), new TreeMap<>(), new TreeMap<>());
    double loss = 0;
    double[][][] gradients = new double[pairs.size()][][];
    RowLoss[] rows = new RowLoss[pairs.size()];
    for (int i = 0; i < rows.length; i++) {
      SequenceScores chosen = new SequenceScores(pairs.get(i).chosen());
      SequenceScores rejected = new SequenceScores(pairs.get(i).rejected());
      rows[i] =
          objective.row(
              RowInputs.ofScores(
                  Map.of("chosen", chosen, "rejected", rejected),
                  pairs.get(i).scalars(),
                  StepNumbers.NONE));
      loss += rows[i].differentiate(1, totals);
      gradients[i] = new double[][] {chosen.gradients(), rejected.gradients()};
    }
    return new Result(loss, gradients, List.of(rows));
  }

  static double loss(Objective objective, Pair pair) {
    return of(objective, List.of(pair)).loss();
  }
}
