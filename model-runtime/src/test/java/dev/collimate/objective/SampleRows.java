package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.text.NumberColumn;
import java.util.ArrayList;
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

  /** Rows of unequal lengths and weights; the policy is near the reference. */
  static List<ObjectiveStep.Row> random(Declaration declaration, int count, long seed) {
    Random random = new Random(seed);
    List<ObjectiveStep.Row> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Map<String, double[]> policy = new LinkedHashMap<>();
      Map<String, Map<Quantity, float[]>> quantities = new LinkedHashMap<>();
      Map<String, Double> sums = new LinkedHashMap<>();
      Map<String, float[]> tokens = new LinkedHashMap<>();
      for (String role : declaration.roles()) {
        double[] values = random.doubles(1 + random.nextInt(6), -3, -0.1).toArray();
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
              policy,
              quantities,
              new Reference(sums, tokens),
              scalars(declaration, i, random),
              weight));
    }
    return rows;
  }

  /**
   * A row for every way in which each model may find each sequence likely, or next to impossible.
   */
  static List<ObjectiveStep.Row> extremes(Declaration declaration) {
    List<String> roles = declaration.roles();
    List<ObjectiveStep.Row> rows = new ArrayList<>();
    for (int choice = 0; choice < (1 << (2 * roles.size())); choice++) {
      Map<String, double[]> policy = new LinkedHashMap<>();
      Map<String, Double> sums = new LinkedHashMap<>();
      Map<String, float[]> tokens = new LinkedHashMap<>();
      for (int r = 0; r < roles.size(); r++) {
        double ofPolicy = ((choice >> (2 * r)) & 1) == 0 ? LIKELY : VERY_UNLIKELY;
        double ofReference = ((choice >> (2 * r)) & 2) == 0 ? LIKELY : VERY_UNLIKELY;
        policy.put(roles.get(r), new double[] {ofPolicy, LIKELY});
        sums.put(roles.get(r), ofReference + LIKELY);
        tokens.put(roles.get(r), new float[] {(float) ofReference, (float) LIKELY});
      }
      rows.add(
          new ObjectiveStep.Row(
              policy,
              Map.of(),
              new Reference(sums, tokens),
              scalars(declaration, choice, new Random(choice)),
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

  /** Every declared column, and labels of both kinds. */
  private static Map<String, Double> scalars(Declaration declaration, int row, Random random) {
    Map<String, Double> scalars = new LinkedHashMap<>();
    for (NumberColumn column : declaration.columns().numbers()) {
      double value = random.nextDouble();
      while (!column.range().holds(value)) {
        value = 4 * random.nextGaussian();
      }
      scalars.put(column.name(), value);
    }
    scalars.put(RowFacts.LABEL, (double) (row % 2));
    return scalars;
  }
}
