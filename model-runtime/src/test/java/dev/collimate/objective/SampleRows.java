package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.objective.RowInputs.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Rows with whatever an objective declares that it reads. */
final class SampleRows {

  private static final double VERY_UNLIKELY = -1e4;
  private static final double LIKELY = -0.5;

  private SampleRows() {}

  /** The same, assessed where the objective learns from rollouts. */
  static List<ObjectiveStep.Row> random(Objective objective, int count, long seed) {
    List<ObjectiveStep.Row> rows = random(objective.declaration(), count, seed);
    return objective instanceof Online online
        ? SampleRollouts.assessed(online, rows, new Random(seed))
        : rows;
  }

  /** Every way in which the models may find sequences likely or not, assessed where need be. */
  static List<ObjectiveStep.Row> extremes(Objective objective) {
    List<ObjectiveStep.Row> rows = extremes(objective.declaration());
    return objective instanceof Online online
        ? SampleRollouts.assessed(online, rows, new Random(1))
        : rows;
  }

  /** Rows of unequal lengths and weights; the policy is near the reference. */
  static List<ObjectiveStep.Row> random(Declaration declaration, int count, long seed) {
    Random random = new Random(seed);
    List<ObjectiveStep.Row> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Map<String, double[]> policy = new LinkedHashMap<>();
      Map<String, Map<Quantity, float[]>> quantities = new LinkedHashMap<>();
      Map<String, Double> sums = new LinkedHashMap<>();
      Map<String, float[]> tokens = new LinkedHashMap<>();
      Map<String, Integer> promptTokens = promptTokens(declaration);
      for (String role : declaration.roles()) {
        int length = promptTokens.getOrDefault(role, 0) + 1 + random.nextInt(6);
        double[] values = random.doubles(length, -3, -0.1).toArray();
        float[] ofReference = new float[values.length];
        double sum = 0;
        for (int t = 0; t < values.length; t++) {
          ofReference[t] = (float) (values[t] + 0.4 * random.nextGaussian());
          sum += ofReference[t];
        }
        policy.put(role, values);
        quantities.put(role, quantities(values, random));
        sums.put(role, sum);
        tokens.put(role, ofReference);
      }
      double weight = 0.5 + random.nextInt(4) * 0.5;
      rows.add(
          new ObjectiveStep.Row(
              "row-" + i,
              policy,
              promptTokens,
              quantities,
              new Reference(sums, tokens),
              scalars(declaration, i, random),
              weight));
    }
    return rows;
  }

  /**
   * A row for every way in which each model may find each sequence likely, or next to impossible,
   * of either label where rows have one.
   */
  static List<ObjectiveStep.Row> extremes(Declaration declaration) {
    List<String> roles = declaration.roles();
    List<ObjectiveStep.Row> rows = new ArrayList<>();
    Map<String, Integer> promptTokens = promptTokens(declaration);
    for (int choice = 0; choice < (2 << (2 * roles.size())); choice++) {
      Map<String, double[]> policy = new LinkedHashMap<>();
      Map<String, Double> sums = new LinkedHashMap<>();
      Map<String, float[]> tokens = new LinkedHashMap<>();
      for (int r = 0; r < roles.size(); r++) {
        double ofPolicy = ((choice >> (2 * r)) & 1) == 0 ? LIKELY : VERY_UNLIKELY;
        double ofReference = ((choice >> (2 * r)) & 2) == 0 ? LIKELY : VERY_UNLIKELY;
        int ofPrompt = promptTokens.getOrDefault(roles.get(r), 0);
        double[] values = new double[ofPrompt + 2];
        float[] referenceValues = new float[values.length];
        Arrays.fill(values, LIKELY);
        Arrays.fill(referenceValues, (float) LIKELY);
        values[ofPrompt] = ofPolicy;
        referenceValues[ofPrompt] = (float) ofReference;
        policy.put(roles.get(r), values);
        sums.put(roles.get(r), ofReference + LIKELY);
        tokens.put(roles.get(r), referenceValues);
      }
      rows.add(
          new ObjectiveStep.Row(
              "row-" + choice,
              policy,
              promptTokens,
              Map.of(),
              new Reference(sums, tokens),
              scalars(declaration, choice >> (2 * roles.size()), new Random(choice)),
              1));
    }
    return rows;
  }

  /** The policy's log-probabilities, and of everything else some number below 0. */
  private static Map<Quantity, float[]> quantities(double[] logProbs, Random random) {
    Map<Quantity, float[]> quantities = new EnumMap<>(Quantity.class);
    for (Quantity quantity : Quantity.values()) {
      float[] values = new float[logProbs.length];
      for (int t = 0; t < values.length; t++) {
        values[t] = quantity == Quantity.LOG_PROB ? (float) logProbs[t] : -3 * random.nextFloat();
      }
      quantities.put(quantity, values);
    }
    return quantities;
  }

  /** Where the prompt of the sequence to imitate counts too, it has a token that does. */
  private static Map<String, Integer> promptTokens(Declaration declaration) {
    if (!declaration.countsPrompt()) {
      return Map.of();
    }
    return Map.of(declaration.roles().contains("chosen") ? "chosen" : "completion", 1);
  }

  /** Every declared column; rows that have labels have either in turn. */
  private static Map<String, Double> scalars(Declaration declaration, int row, Random random) {
    Map<String, Double> scalars = DeclaredColumns.scalars(declaration, random);
    scalars.replace(RowFacts.LABEL, (double) (row % 2));
    return scalars;
  }
}
