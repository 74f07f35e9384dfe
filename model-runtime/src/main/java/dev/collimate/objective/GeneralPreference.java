package dev.collimate.objective;

import dev.collimate.CollimateException;
import dev.collimate.text.FurtherSequence;
import java.util.ArrayList;
import java.util.List;

/**
 * A general preference model (Zhang et al. 2024, arXiv:2410.02197): a response is a vector, and how
 * much one is preferred to another is a skew-symmetric product of theirs, which can say that a
 * beats b, b beats c and c beats a. A head of two numbers whose second is constant is
 * Bradley-Terry.
 *
 * <p>With the gate the prompt weighs the blocks: {@code g = k * softmax(W h / gate_scale)} of the
 * state h at the prompt's last token, over the k blocks. The rows of W follow those of the vector
 * in the one head of the model, so its folder stays one that transformers reads.
 */
final class GeneralPreference implements Objective {

  private static final String DIMENSION = "value_head_dim";
  private static final String GATE = "prompt_gate";
  private static final String GATE_SCALE = "gate_scale";
  private static final String PROMPT = "prompt";

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "gpm",
              "-logsigmoid(sum_b g_b * (c[2b] * r[2b+1] - c[2b+1] * r[2b]) / tau)",
              "Zhang et al. 2024, arXiv:2410.02197, and the authors' code, without its optional SFT term",
              List.of(
                  ObjectiveOption.number(
                      DIMENSION, 2.0, ">= 2", "Numbers that the head gives for a response; even."),
                  ObjectiveOption.number("tau", 0.1, "> 0", "Divides the preference score."),
                  ObjectiveOption.flag(
                      "normalize", false, "Give every response's vector the length 1."),
                  ObjectiveOption.flag(
                      GATE,
                      false,
                      "Weigh the blocks by the prompt, for which the head gives value_head_dim / 2"
                          + " numbers more; else g = 1."),
                  ObjectiveOption.number(
                      GATE_SCALE,
                      1.0,
                      "> 0",
                      "Divides the gate's numbers; the authors take the root of the model's"
                          + " hidden_size."),
                  Reward.CONTEXT_COLUMN),
              GeneralPreference::new)
          .withNormalisation("mean over rows")
          .withLimits(
              "tau: 1 is reward where every second number is 1",
              "prompt_gate: true with equal numbers of the gate is the objective without it")
          .withRules(
              List.of(
                  new ObjectiveSpec.Rule(
                      GATE_SCALE,
                      "has no effect without prompt_gate; leave it out",
                      options -> options.flag(GATE) || options.number(GATE_SCALE) == 1),
                  new ObjectiveSpec.Rule(
                      GATE,
                      "does not go with context_column; write the context into the prompt",
                      options ->
                          !options.flag(GATE)
                              || options.text(Reward.CONTEXT_COLUMN.name()).isEmpty())));

  private final int dimension;
  private final double tau;
  private final boolean normalizes;
  private final boolean hasGate;
  private final double gateScale;
  private final Declaration declaration;

  GeneralPreference(Options options) {
    double given = options.number(DIMENSION);
    dimension = (int) given;
    if (dimension != given || dimension % 2 != 0) {
      throw CollimateException.usage(
          "objective.value_head_dim: must be an even whole number, got %s".formatted(given));
    }
    tau = options.number("tau");
    normalizes = options.flag("normalize");
    hasGate = options.flag(GATE);
    gateScale = options.number(GATE_SCALE);
    declaration = declaration(options.text(Reward.CONTEXT_COLUMN.name()));
  }

  private Declaration declaration(String context) {
    int numbers = hasGate ? dimension + dimension / 2 : dimension;
    Declaration pairs =
        Declaration.ofScores("gpm", numbers, Reward.CHOSEN, Reward.REJECTED).withContext(context);
    return hasGate
        ? pairs.withSequences(new FurtherSequence(PROMPT, "{prompt}", /* completion= */ ""))
        : pairs;
  }

  @Override
  public Declaration declaration() {
    return declaration;
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar score =
        score(vector(inputs, Reward.CHOSEN), vector(inputs, Reward.REJECTED), gate(inputs));
    return RowLoss.perRow(score.dividedBy(tau).logSigmoid().negated())
        .plus(RewardMetrics.of(score.value()));
  }

  private Scalar[] vector(RowInputs inputs, String role) {
    Scalar[] vector = new Scalar[dimension];
    for (int i = 0; i < dimension; i++) {
      vector[i] = inputs.score(role, i);
    }
    if (normalizes) {
      Scalar length = length(vector);
      for (int i = 0; i < dimension; i++) {
        vector[i] = vector[i].dividedBy(length);
      }
    }
    return vector;
  }

  /** The zero vector has no direction and stays what it is. */
  private static Scalar length(Scalar[] vector) {
    Scalar squares = Scalar.constant(0);
    for (Scalar number : vector) {
      squares = squares.plus(number.squared());
    }
    if (squares.value() == 0) {
      return Scalar.constant(1);
    }
    double length = Math.sqrt(squares.value());
    return squares.map(length, 0.5 / length);
  }

  /** A weight for each block, 1 on average; none without the gate. */
  private List<Scalar> gate(RowInputs inputs) {
    if (!hasGate) {
      return List.of();
    }
    List<Scalar> logits = new ArrayList<>();
    for (int i = dimension; i < declaration.scores(); i++) {
      logits.add(inputs.score(PROMPT, i).dividedBy(gateScale));
    }
    double most = logits.stream().mapToDouble(Scalar::value).max().orElseThrow();
    List<Scalar> exponentials = logits.stream().map(x -> x.minus(most).exp()).toList();
    Scalar sum = Scalar.sum(exponentials);
    return exponentials.stream().map(x -> x.dividedBy(sum).times(logits.size())).toList();
  }

  /** How much the first is preferred to the second. */
  private static Scalar score(Scalar[] first, Scalar[] second, List<Scalar> gate) {
    Scalar score = Scalar.constant(0);
    for (int i = 0; i < first.length; i += 2) {
      Scalar block = first[i].times(second[i + 1]).minus(first[i + 1].times(second[i]));
      score = score.plus(gate.isEmpty() ? block : block.times(gate.get(i / 2)));
    }
    return score;
  }
}
