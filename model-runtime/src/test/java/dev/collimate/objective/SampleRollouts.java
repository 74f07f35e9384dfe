package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.objective.ObjectiveStep.OfRollout;
import dev.collimate.objective.ObjectiveStep.Row;
import dev.collimate.objective.RowInputs.Reference;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Completions with rewards made up for them, as an objective assesses them. */
final class SampleRollouts {

  private SampleRollouts() {}

  /**
   * The rows as completions of a rollout: the old policy is near the reference, the rest of the
   * last group is made up beside.
   */
  static List<Row> assessed(Online objective, List<Row> rows, Random random) {
    if (objective.comparesCompletions()) {
      return pairs(objective, rows, random);
    }
    int generations = objective.needs().generations();
    List<Judged.Completion> completions = new ArrayList<>();
    for (int i = 0; i % generations != 0 || i < rows.size(); i++) {
      completions.add(
          completion(objective, rows.get(i % rows.size()), Online.COMPLETION, i, random));
    }
    Assessment assessment =
        objective.assess(new Judged(List.of("reward"), List.of(1.0), completions));
    List<Row> assessed = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      assessed.add(row(rows.get(i), completions.get(i), assessment.rows().get(i), random));
    }
    return assessed;
  }

  /** The rows as two completions of a prompt each; one of them is made up where rows have one. */
  private static List<Row> pairs(Online objective, List<Row> rows, Random random) {
    List<String> roles = objective.declaration().sequences();
    List<Judged.Completion> completions = new ArrayList<>();
    for (int i = 0; i < 2 * rows.size(); i++) {
      String role = roles.get(Math.min(i % 2, roles.size() - 1));
      completions.add(completion(objective, rows.get(i / 2), role, i, random));
    }
    Assessment assessment =
        objective.assess(new Judged(List.of("reward"), List.of(1.0), completions));
    List<Row> assessed = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      assessed.add(pair(rows.get(i), roles, assessment.rows().get(i)));
    }
    return assessed;
  }

  /** The row whose sides are those that were preferred. */
  private static Row pair(Row row, List<String> roles, Assessment.Row assessed) {
    Map<String, double[]> policy = new LinkedHashMap<>();
    Map<String, Map<Quantity, float[]>> quantities = new LinkedHashMap<>();
    Map<String, Double> sums = new LinkedHashMap<>();
    Map<String, float[]> tokens = new LinkedHashMap<>();
    for (String role : roles) {
      String as = roles.get(assessed.completions().get(role) % 2);
      policy.put(role, row.policy().get(as));
      if (!row.quantities().isEmpty()) {
        quantities.put(role, row.quantities().get(as));
      }
      sums.put(role, row.reference().sums().get(as));
      tokens.put(role, row.reference().tokens().get(as));
    }
    return new Row(
        row.key(),
        policy,
        Map.of(),
        quantities,
        new Reference(sums, tokens),
        Map.of(),
        row.weight() * assessed.weight(),
        new OfRollout(assessed.given(), assessed.counts(), Map.of()));
  }

  private static Judged.Completion completion(
      Online objective, Row row, String role, int index, Random random) {
    int generations = objective.needs().generations();
    double[] policy = row.policy().get(role);
    float[] reference = row.reference().tokens().get(role);
    float[] old = new float[policy.length];
    float[] values = new float[policy.length];
    for (int t = 0; t < old.length; t++) {
      old[t] = (float) (reference[t] + 0.2 * random.nextGaussian());
      values[t] = (float) random.nextGaussian();
    }
    int length = policy.length;
    Sampled cut = new Sampled(new int[] {1}, new int[length], /* ended= */ false, length);
    boolean teaches = objective.sequence(cut).countedTokens() == length;
    return new Judged.Completion(
        "prompt-" + index / generations,
        index % generations,
        teaches && random.nextBoolean()
            ? cut
            : new Sampled(cut.prompt(), cut.completion(), true, length),
        new double[] {random.nextGaussian()},
        old,
        values,
        reference);
  }

  private static Row row(
      Row row, Judged.Completion completion, Assessment.Row assessed, Random random) {
    Map<String, float[]> tokens = new LinkedHashMap<>(row.reference().tokens());
    tokens.put(Online.OLD, completion.old());
    tokens.putAll(assessed.tokens());
    Map<Quantity, double[]> learned = new LinkedHashMap<>();
    for (Quantity quantity : List.of(Quantity.VALUE, Quantity.ENTROPY)) {
      double[] values = new double[completion.old().length];
      for (int t = 0; t < values.length; t++) {
        values[t] = completion.values()[t] + 0.2 * random.nextGaussian();
      }
      learned.put(quantity, values);
    }
    return row.with(
        new Reference(row.reference().sums(), tokens),
        row.weight() * assessed.weight(),
        new OfRollout(assessed.given(), assessed.counts(), learned));
  }
}
