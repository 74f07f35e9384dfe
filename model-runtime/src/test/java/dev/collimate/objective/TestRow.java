package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.objective.RowInputs.StepNumbers;
import dev.collimate.objective.RowInputs.Variables;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** A row of given numbers, as an objective reads it. */
final class TestRow {

  final String key;
  final Map<String, double[]> tokens = new LinkedHashMap<>();
  private final Map<String, Double> references = new LinkedHashMap<>();
  private final Map<String, float[]> referenceTokens = new LinkedHashMap<>();
  private final Map<String, Double> scalars = new LinkedHashMap<>();
  private final Map<String, double[]> marks = new LinkedHashMap<>();
  private double weight = 1;
  private final Map<String, Map<Quantity, float[]>> quantities = new LinkedHashMap<>();
  private Map<String, TokenLogProbs> read = Map.of();
  private Variables variables = Variables.NONE;
  private OwnParameters own = new OwnParameters(new double[0]);

  TestRow(String key) {
    this.key = key;
  }

  /** A pair of one-token completions whose log-ratios to the reference are these. */
  static TestRow pair(double chosen, double rejected) {
    return new TestRow("pair").tokens("chosen", chosen).tokens("rejected", rejected);
  }

  /** The policy's log-probability of each token; the reference's are 0. */
  TestRow tokens(String role, double... logProbs) {
    return tokens(role, logProbs, new float[logProbs.length]);
  }

  TestRow tokens(String role, double[] logProbs, float[] reference) {
    tokens.put(role, logProbs);
    referenceTokens.put(role, reference);
    double sum = 0;
    for (float token : reference) {
      sum += token;
    }
    references.put(role, sum);
    return this;
  }

  TestRow scalar(String name, double value) {
    scalars.put(name, value);
    return this;
  }

  /** How much each of a role's tokens matters. */
  TestRow marks(String role, double... ofTokens) {
    marks.put(role, ofTokens);
    return this;
  }

  /** Values of a quantity; others are zeros. */
  TestRow quantity(String role, Quantity quantity, float... values) {
    quantities.computeIfAbsent(role, any -> new EnumMap<>(Quantity.class)).put(quantity, values);
    return this;
  }

  /** The objective's own parameters. */
  TestRow own(double... parameters) {
    own = new OwnParameters(parameters);
    return this;
  }

  private Map<Quantity, float[]> given(String role) {
    return quantities.getOrDefault(role, Map.of());
  }

  TestRow weight(double value) {
    weight = value;
    return this;
  }

  double weight() {
    return weight;
  }

  RowFacts facts() {
    Map<String, Integer> counts = new LinkedHashMap<>();
    tokens.forEach((role, values) -> counts.put(role, values.length));
    return new RowFacts(key, weight, counts, scalars.getOrDefault(RowFacts.LABEL, Double.NaN));
  }

  /** Fresh inputs; their derivatives are what {@link #gradient} answers. */
  RowInputs inputs(double[] shared, double[] given) {
    Map<String, TokenLogProbs> policy = new LinkedHashMap<>();
    tokens.forEach((role, values) -> policy.put(role, new TokenLogProbs(values.clone())));
    read = policy;
    Map<String, Map<Quantity, float[]>> all = RowInputsOfTests.zeroQuantities(policy);
    all.forEach((role, ofRole) -> ofRole.putAll(given(role)));
    variables = RowInputsOfTests.variables(all);
    return new RowInputs(
            policy,
            all,
            new Reference(references, referenceTokens),
            scalars,
            new StepNumbers(shared, given, own))
        .with(variables)
        .withMarks(marks);
  }

  RowInputs inputs() {
    return inputs(new double[0], new double[0]);
  }

  /** Derivatives by the role's tokens of what was differentiated last. */
  double[] gradient(String role) {
    return read.get(role).gradients();
  }

  /** The same by another number of each token. */
  double[] gradient(String role, Quantity quantity) {
    return variables.tokens().get(role).get(quantity).gradients();
  }

  /** The same by a role's hidden state. */
  double[] hiddenGradient(String role) {
    return variables.hidden().get(role).gradients();
  }

  double[] ownGradient() {
    return own.gradients();
  }
}
