package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.objective.RowInputs.StepNumbers;
import dev.collimate.objective.RowInputs.Variables;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One step of an objective over rows given as numbers, in the order in which a trainer runs it. */
final class ObjectiveStep {

  private ObjectiveStep() {}

  /**
   * What the models and the data say of a row.
   *
   * @param key the row's
   * @param policy [counted token] log-probabilities by role
   * @param promptTokens how many of a role's tokens, from the first, are the prompt's; none where
   *     it is absent
   * @param quantities [counted token] by role; empty for zeros
   * @param rollout what became of it before the step, where it is a completion
   */
  record Row(
      String key,
      Map<String, double[]> policy,
      Map<String, Integer> promptTokens,
      Map<String, Map<Quantity, float[]>> quantities,
      Reference reference,
      Map<String, Double> scalars,
      double weight,
      OfRollout rollout) {

    /** A row that is no completion of a rollout, or one whose numbers come later. */
    Row(
        String key,
        Map<String, double[]> policy,
        Map<String, Integer> promptTokens,
        Map<String, Map<Quantity, float[]>> quantities,
        Reference reference,
        Map<String, Double> scalars,
        double weight) {
      this(key, policy, promptTokens, quantities, reference, scalars, weight, OfRollout.NOTHING);
    }

    /** A row of whose prompt nothing counts. */
    Row(
        String key,
        Map<String, double[]> policy,
        Map<String, Map<Quantity, float[]>> quantities,
        Reference reference,
        Map<String, Double> scalars,
        double weight) {
      this(key, policy, Map.of(), quantities, reference, scalars, weight);
    }

    /** A completion of weight 1. */
    static Row ofRollout(double[] policy, Map<String, float[]> tokens, OfRollout rollout) {
      return new Row(
          "row",
          Map.of(Online.COMPLETION, policy),
          Map.of(),
          Map.of(),
          new Reference(Map.of(), tokens),
          Map.of(),
          1,
          rollout);
    }

    /** A row of weight 1 without number columns whose further quantities are zero. */
    static Row of(Map<String, double[]> policy, Reference reference) {
      return new Row("row", policy, Map.of(), reference, Map.of(), 1);
    }

    /** The same where so many of a role's first tokens are the prompt's. */
    Row withPrompt(String role, int tokens) {
      return new Row(key, policy, Map.of(role, tokens), quantities, reference, scalars, weight);
    }

    /** The same with the driver's numbers and others that are learned. */
    Row with(Reference tokens, double ofWeight, OfRollout numbers) {
      return new Row(key, policy, promptTokens, quantities, tokens, scalars, ofWeight, numbers);
    }

    private RowFacts facts() {
      Map<String, Integer> tokens = new LinkedHashMap<>();
      policy.forEach((role, values) -> tokens.put(role, values.length));
      tokens.putAll(rollout.counts());
      double label = scalars.getOrDefault(RowFacts.LABEL, Double.NaN);
      return new RowFacts(key, weight, tokens, label);
    }

    private RowInputs inputs(Map<String, TokenLogProbs> logProbs, StepNumbers numbers) {
      return inputs(logProbs, Variables.NONE, numbers);
    }

    private RowInputs inputs(
        Map<String, TokenLogProbs> logProbs, Variables variables, StepNumbers numbers) {
      return new RowInputs(logProbs, read(logProbs), reference, scalars, numbers).with(variables);
    }

    private Map<String, Map<Quantity, float[]>> read(Map<String, TokenLogProbs> logProbs) {
      return quantities.isEmpty() ? RowInputsOfTests.zeroQuantities(logProbs) : quantities;
    }

    private Map<Quantity, TokenLogProbs> learned() {
      Map<Quantity, TokenLogProbs> learned = new EnumMap<>(Quantity.class);
      rollout.learned().forEach((each, values) -> learned.put(each, new TokenLogProbs(values)));
      return learned;
    }

    /** What a loss is derived by beside the log-probabilities. */
    private Variables variables(
        Map<String, TokenLogProbs> logProbs, Map<Quantity, TokenLogProbs> learned) {
      Variables variables = RowInputsOfTests.variables(read(logProbs));
      if (!learned.isEmpty()) {
        variables.tokens().get(Online.COMPLETION).putAll(learned);
      }
      return variables;
    }

    /** What a pass over these roles gives. */
    private Map<String, TokenLogProbs> logProbs(List<String> roles) {
      Map<String, TokenLogProbs> logProbs = new LinkedHashMap<>();
      for (String role : roles) {
        int ofPrompt = promptTokens.getOrDefault(role, 0);
        logProbs.put(role, new TokenLogProbs(policy.get(role), ofPrompt));
      }
      return logProbs;
    }
  }

  /**
   * What a completion brings to a step.
   *
   * @param given numbers of the driver's
   * @param counts further counts of tokens
   * @param learned [counted token] quantities that are learned beside the log-probability
   */
  record OfRollout(double[] given, Map<String, Integer> counts, Map<Quantity, double[]> learned) {
    static final OfRollout NOTHING = new OfRollout(new double[0], Map.of(), Map.of());

    static OfRollout given(double... numbers) {
      return new OfRollout(numbers, Map.of(), Map.of());
    }
  }

  /**
   * What came of it.
   *
   * @param loss of the step
   * @param losses what each row says
   * @param gradients [counted token] by role that the loss reads, of each row; of what is learned
   *     beside by the quantity's name
   * @param state after the step
   * @param ownGradients of the objective's own parameters
   */
  record Result(
      double loss,
      List<RowLoss> losses,
      List<Map<String, double[]>> gradients,
      double[] state,
      double[] ownGradients) {

    /** The mean of a reported number. */
    double metric(String name) {
      double sum = 0;
      double weight = 0;
      for (RowLoss row : losses) {
        for (RowLoss.Metric metric : row.metrics()) {
          if (metric.name().equals(name)) {
            sum += metric.sum();
            weight += metric.weight();
          }
        }
      }
      return sum / weight;
    }
  }

  /** The first step, from the objective's initial state and parameters. */
  static Result first(Objective objective, List<Row> rows) {
    Declaration declaration = objective.declaration();
    return run(
        objective,
        rows,
        doubles(declaration.initialState()),
        doubles(declaration.initialParameters()));
  }

  static Result run(Objective objective, List<Row> rows, double[] state, double[] parameters) {
    return planned(objective, rows, plan(objective, rows, state, parameters), parameters);
  }

  /** What the objective decides before a step. */
  static StepPlan plan(Objective objective, List<Row> rows, double[] state, double[] parameters) {
    double[][] gathered = new double[0][];
    List<String> roles = objective.declaration().gathered();
    if (!roles.isEmpty()) {
      StepNumbers unplanned =
          new StepNumbers(new double[0], new double[0], new OwnParameters(parameters));
      gathered =
          rows.stream()
              .map(row -> objective.gather(row.inputs(row.logProbs(roles), unplanned)))
              .toArray(double[][]::new);
    }
    List<RowFacts> facts = rows.stream().map(Row::facts).toList();
    return objective.plan(new GlobalBatch(7, 1, facts, gathered, state));
  }

  /** A step whose plan is made. */
  static Result planned(Objective objective, List<Row> rows, StepPlan plan, double[] parameters) {
    StepTotals totals = StepTotals.of(rows.stream().map(Row::facts).toList());
    OwnParameters own = new OwnParameters(parameters);
    double loss = 0;
    List<RowLoss> losses = new ArrayList<>();
    List<Map<String, double[]>> gradients = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      Map<String, TokenLogProbs> logProbs =
          rows.get(i).logProbs(objective.declaration().sequences());
      double[] given = plan.perRow().length == 0 ? rows.get(i).rollout().given() : plan.given(i);
      StepNumbers numbers = new StepNumbers(plan.shared(), given, own);
      Map<Quantity, TokenLogProbs> learned = rows.get(i).learned();
      RowLoss row =
          objective.row(
              rows.get(i).inputs(logProbs, rows.get(i).variables(logProbs, learned), numbers));
      loss += row.differentiate(rows.get(i).weight(), totals);
      losses.add(row);
      Map<String, double[]> ofRow = new LinkedHashMap<>();
      logProbs.forEach((role, tokens) -> ofRow.put(role, tokens.gradients()));
      learned.forEach((each, tokens) -> ofRow.put(each.name(), tokens.gradients()));
      gradients.add(ofRow);
    }
    return new Result(loss, losses, gradients, plan.state(), own.gradients());
  }

  static double[] doubles(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
