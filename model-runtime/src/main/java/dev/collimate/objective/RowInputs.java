package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import java.util.Map;

/** Everything that an objective may read of one row. */
public final class RowInputs {

  private final Map<String, TokenLogProbs> policy;
  private final Map<String, SequenceScores> scores;
  private final Map<String, Map<Quantity, float[]>> quantities;
  private final Reference reference;
  private final Map<String, Double> scalars;
  private final StepNumbers numbers;
  private final Variables variables;
  private final Map<String, double[]> marks;

  /**
   * The reference model's log-probabilities of a row.
   *
   * @param sums by role
   * @param tokens [counted token] by role; empty where the objective reads sums alone
   */
  public record Reference(Map<String, Double> sums, Map<String, float[]> tokens) {
    public static final Reference NONE = new Reference(Map.of(), Map.of());
  }

  /**
   * Further numbers of the models that the loss is derived by: those of {@link
   * Declaration#learned}.
   *
   * @param tokens by role those of each counted token
   * @param hidden by role the last hidden state
   */
  public record Variables(
      Map<String, Map<Quantity, TokenLogProbs>> tokens, Map<String, SequenceScores> hidden) {
    public static final Variables NONE = new Variables(Map.of(), Map.of());
  }

  /**
   * Numbers that the objective itself made for the step.
   *
   * @param shared the same for every row, from {@link StepPlan#shared}
   * @param given of this row, from {@link StepPlan#perRow}
   * @param parameters the objective's own parameters
   */
  public record StepNumbers(double[] shared, double[] given, OwnParameters parameters) {
    public static final StepNumbers NONE =
        new StepNumbers(new double[0], new double[0], new OwnParameters(new double[0]));
  }

  /**
   * @param policy log-probabilities of the counted tokens, by role
   * @param quantities further per-token quantities of the policy, by role
   * @param scalars the row's number columns (margin, scores, label)
   */
  public RowInputs(
      Map<String, TokenLogProbs> policy,
      Map<String, Map<Quantity, float[]>> quantities,
      Reference reference,
      Map<String, Double> scalars,
      StepNumbers numbers) {
    this(policy, Map.of(), quantities, reference, scalars, numbers, Variables.NONE, Map.of());
  }

  private RowInputs(
      Map<String, TokenLogProbs> policy,
      Map<String, SequenceScores> scores,
      Map<String, Map<Quantity, float[]>> quantities,
      Reference reference,
      Map<String, Double> scalars,
      StepNumbers numbers,
      Variables variables,
      Map<String, double[]> marks) {
    this.variables = variables;
    this.marks = marks;
    this.policy = policy;
    this.scores = scores;
    this.quantities = quantities;
    this.reference = reference;
    this.scalars = scalars;
    this.numbers = numbers;
  }

  /**
   * The inputs of an objective that trains a reward model.
   *
   * @param scores of the sequences, by role
   * @param scalars the row's number columns
   */
  public static RowInputs ofScores(
      Map<String, SequenceScores> scores, Map<String, Double> scalars, StepNumbers numbers) {
    return new RowInputs(
        Map.of(), scores, Map.of(), Reference.NONE, scalars, numbers, Variables.NONE, Map.of());
  }

  /** The same with further numbers that the loss is derived by. */
  public RowInputs with(Variables further) {
    return new RowInputs(policy, scores, quantities, reference, scalars, numbers, further, marks);
  }

  /**
   * The same with how much the counted tokens matter.
   *
   * @param ofTokens [counted token] by role
   */
  public RowInputs withMarks(Map<String, double[]> ofTokens) {
    return new RowInputs(
        policy, scores, quantities, reference, scalars, numbers, variables, ofTokens);
  }

  /** The policy's log-probabilities of a role's counted tokens. */
  public TokenLogProbs policy(String role) {
    return require(policy, role, "policy log-probabilities");
  }

  /** A declared quantity of each of a role's counted tokens, several of each in turn. */
  public float[] quantity(String role, Quantity quantity) {
    return require(require(quantities, role, "quantities"), quantity, "values");
  }

  /** One of the numbers that the reward model gives for a role's sequence. */
  public Scalar score(String role, int label) {
    return require(scores, role, "scores").variable(label);
  }

  /** The reference's summed log-probability of a role. */
  public double reference(String role) {
    return require(reference.sums(), role, "reference log-probability");
  }

  /** The reference's log-probability of each of a role's counted tokens. */
  public float[] referenceTokens(String role) {
    return require(reference.tokens(), role, "reference log-probabilities by token");
  }

  /** Whether the row has numbers of tokens for this role. */
  public boolean hasReferenceTokens(String role) {
    return reference.tokens().containsKey(role);
  }

  /** {@code log policy(sequence) - log reference(sequence)}. */
  public Scalar logRatio(String role) {
    return policy(role).sum().minus(reference(role));
  }

  /** Whether the row has this number column. */
  public boolean hasScalar(String column) {
    return scalars.containsKey(column);
  }

  public double scalar(String column) {
    return require(scalars, column, "number");
  }

  /** A declared quantity of each counted token that the loss is derived by. */
  TokenLogProbs variable(String role, Quantity quantity) {
    return require(require(variables.tokens(), role, "variables"), quantity, "variables");
  }

  /** A role's last hidden state. */
  SequenceScores hidden(String role) {
    return require(variables.hidden(), role, "hidden state");
  }

  /** The objective's own parameters. */
  OwnParameters parameters() {
    return numbers.parameters();
  }

  /** How much each of a role's counted tokens matters, from 0 to 1; 0 where nothing is said. */
  double[] marks(String role) {
    double[] given = marks.get(role);
    return given == null ? new double[policy(role).count()] : given;
  }

  /** Sum of a declared quantity over a role's counted tokens. */
  public double total(String role, Quantity quantity) {
    return total(role, quantity, 0);
  }

  /** The same over the counted tokens of its completion alone. */
  public double completionTotal(String role, Quantity quantity) {
    return total(role, quantity, policy(role).promptTokens());
  }

  private double total(String role, Quantity quantity, int from) {
    float[] values = quantity(role, quantity);
    double total = 0;
    for (int t = from; t < values.length; t++) {
      total += values[t];
    }
    return total;
  }

  /** A number of the step's plan that every row reads. */
  public double shared(int index) {
    return numbers.shared()[index];
  }

  /** A number of the step's plan for this row. */
  public double given(int index) {
    return numbers.given()[index];
  }

  /** Whether the step's plan has numbers for this row. */
  boolean hasGiven() {
    return numbers.given().length > 0;
  }

  /** One of the objective's own trained parameters. */
  public Scalar parameter(int index) {
    return numbers.parameters().variable(index);
  }

  private static <K, V> V require(Map<K, V> values, K key, String what) {
    V value = values.get(key);
    if (value == null) {
      throw new IllegalStateException("the row has no " + what + " for '" + key + "'");
    }
    return value;
  }
}
