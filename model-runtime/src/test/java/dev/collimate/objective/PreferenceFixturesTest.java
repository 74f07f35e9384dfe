package dev.collimate.objective;

import static dev.collimate.objective.LossFixtures.near;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.nn.Quantity;
import dev.collimate.objective.RowInputs.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** TRL's losses of pairs and their derivatives, on given summed log-probabilities. */
@Tag("fixtures")
class PreferenceFixturesTest {

  @TestFactory
  Stream<DynamicTest> summedLogProbabilitiesGiveTrlsLosses() {
    return LossFixtures.tests("preference", PreferenceFixturesTest::check);
  }

  private static Optional<LossFixtures.Check> check(String name) {
    return switch (name) {
      case "sigmoid",
          "hinge",
          "ipo",
          "nca_pair",
          "bco_pair",
          "sppo_hard",
          "apo_zero",
          "apo_down",
          "discopop",
          "sigmoid_norm",
          "aot",
          "aot_unpaired" ->
          of(fixture -> Map.of("loss_type", name));
      case "sigmoid_label_smoothing" -> of(fixture -> smoothed("conservative", fixture));
      case "exo_pair", "robust" -> of(fixture -> smoothed(name, fixture));
      case "aot_label_smoothing", "aot_unpaired_label_smoothing" ->
          of(fixture -> smoothed(name.replace("_label_smoothing", ""), fixture));
      // Before 1.0, TRL took 1e-3 where it now asks for a smoothing.
      case "exo_pair_default" ->
          of(fixture -> Map.of("loss_type", "exo_pair", "label_smoothing", 1e-3));
      case "sigmoid_reference_free" -> of(fixture -> Map.of("reference_free", true));
      case "forward_kl", "js_divergence" -> of(fixture -> Map.of("f_divergence_type", name));
      case "alpha_divergence" -> of(fixture -> alpha(fixture.get("alpha").asDouble()));
      // -e^(-a x)/a, which is today's parametrisation at 1 - a.
      case "alpha_divergence_0.24" -> of(fixture -> alpha(1 - fixture.get("alpha").asDouble()));
      case "ipo_unnormalized" -> Optional.of(PreferenceFixturesTest::unnormalized);
      case "bco_pair_running" -> Optional.of(PreferenceFixturesTest::shifted);
      case "wpo" -> Optional.of(PreferenceFixturesTest::weighted);
      case "rpo" -> Optional.of(PreferenceFixturesTest::withCrossEntropy);
      default -> Optional.empty();
    };
  }

  private static Map<String, Object> smoothed(String lossType, JsonNode fixture) {
    return Map.of(
        "loss_type", lossType, "label_smoothing", fixture.get("label_smoothing").asDouble());
  }

  private static Map<String, Object> alpha(double alpha) {
    return Map.of("f_divergence_type", "alpha_divergence", "f_alpha_divergence_coef", alpha);
  }

  /** A check of {@code dpo} with the case's beta and these options. */
  private static Optional<LossFixtures.Check> of(Function<JsonNode, Map<String, Object>> options) {
    return Optional.of(
        (softly, fixture, expected) ->
            check(softly, fixture, expected, options.apply(fixture), rows(fixture.get("inputs"))));
  }

  /** IPO before TRL 1.0 summed over tokens: the same where every sequence has one. */
  private static void unnormalized(SoftAssertions softly, JsonNode fixture, JsonNode expected) {
    List<ObjectiveStep.Row> rows =
        rows(fixture.get("inputs")).stream()
            .map(row -> ObjectiveStep.Row.of(oneToken(row.policy()), row.reference()))
            .toList();
    check(softly, fixture, expected, Map.of("loss_type", "ipo"), rows);
  }

  private static Map<String, double[]> oneToken(Map<String, double[]> policy) {
    Map<String, double[]> sums = new LinkedHashMap<>();
    policy.forEach((role, tokens) -> sums.put(role, new double[] {Arrays.stream(tokens).sum()}));
    return sums;
  }

  /**
   * BCO's running shift, which TRL's DPOTrainer had before 1.0, is a reference that gives every
   * sequence {@code delta / beta} more; the shift over time is the objective of unpaired rows.
   */
  private static void shifted(SoftAssertions softly, JsonNode fixture, JsonNode expected) {
    double shift = expected.get("delta").asDouble() / fixture.get("beta").asDouble();
    List<ObjectiveStep.Row> rows = new ArrayList<>();
    for (ObjectiveStep.Row row : rows(fixture.get("inputs"))) {
      Map<String, Double> sums = new LinkedHashMap<>(row.reference().sums());
      sums.replaceAll((role, sum) -> sum + shift);
      rows.add(ObjectiveStep.Row.of(row.policy(), new Reference(sums, Map.of())));
    }
    ObjectiveStep.Result step =
        ObjectiveStep.first(dpo(fixture, Map.of("loss_type", "bco_pair")), rows);
    checkLosses(softly, step, expected, Order.OF_ROWS);
    checkGradients(softly, step, expected, 0);
  }

  private static void weighted(SoftAssertions softly, JsonNode fixture, JsonNode expected) {
    List<ObjectiveStep.Row> rows = new ArrayList<>();
    for (ObjectiveStep.Row row : rows(fixture.get("inputs"))) {
      double weight = expected.get("policy_weights").get(rows.size()).asDouble();
      rows.add(
          new ObjectiveStep.Row(
              "row",
              row.policy(),
              weighing(row.policy(), weight),
              row.reference(),
              row.scalars(),
              row.weight()));
    }
    check(softly, fixture, expected, Map.of("use_weighting", true), rows);
  }

  /** Quantities of a pair whose chosen side has this weight, and whose rejected side has 1. */
  private static Map<String, Map<Quantity, float[]>> weighing(
      Map<String, double[]> policy, double weight) {
    Map<String, TokenLogProbs> tokens = new LinkedHashMap<>();
    policy.forEach((role, values) -> tokens.put(role, new TokenLogProbs(values)));
    Map<String, Map<Quantity, float[]>> quantities = RowInputsOfTests.zeroQuantities(tokens);
    Arrays.fill(quantities.get("chosen").get(Quantity.LOG_SUM_SQUARES), (float) -Math.log(weight));
    return quantities;
  }

  /** The case's cross-entropy is an input of its own, so it takes the place of ours. */
  private static void withCrossEntropy(SoftAssertions softly, JsonNode fixture, JsonNode expected) {
    double alpha = expected.get("rpo_alpha").asDouble();
    List<ObjectiveStep.Row> rows = rows(fixture.get("inputs"));
    ObjectiveStep.Result step = ObjectiveStep.first(dpo(fixture, Map.of("rpo_alpha", alpha)), rows);
    int tokens = rows.stream().mapToInt(row -> row.policy().get("chosen").length).sum();
    double ours = step.metric("nll_loss");
    double theirs = expected.get("nll_loss").asDouble();
    near(softly, "mean", step.loss() + alpha * (theirs - ours), expected.get("mean"));
    near(softly, "nll", alpha, expected.get("grad_nll_loss"));
    checkGradients(softly, step, expected, alpha / tokens);
  }

  private static Objective dpo(JsonNode fixture, Map<String, Object> options) {
    Map<String, Object> all = new LinkedHashMap<>(options);
    all.put("beta", fixture.get("beta").asDouble());
    return Objectives.create("dpo", all);
  }

  private static void check(
      SoftAssertions softly,
      JsonNode fixture,
      JsonNode expected,
      Map<String, Object> options,
      List<ObjectiveStep.Row> rows) {
    ObjectiveStep.Result step = ObjectiveStep.first(dpo(fixture, options), rows);
    checkLosses(softly, step, expected, Order.of(options.getOrDefault("loss_type", "sigmoid")));
    checkGradients(softly, step, expected, 0);
    if (!options.containsKey("reference_free")) {
      JsonNode rewards = fixture.get("expected_rewards");
      for (int i = 0; i < rows.size(); i++) {
        RowLoss row = step.losses().get(i);
        near(softly, "reward", row.metrics().get(0).sum(), rewards.get("chosen").get(i));
        near(softly, "reward", row.metrics().get(1).sum(), rewards.get("rejected").get(i));
      }
    }
  }

  /** How the file lists a case's losses. */
  private enum Order {
    OF_ROWS,
    /** By the rank of the margin. */
    OF_MARGINS,
    /** By rank, where a loss belongs to two rows: none is a row's. */
    NONE;

    static Order of(Object lossType) {
      return switch (lossType.toString()) {
        case "aot" -> OF_MARGINS;
        case "aot_unpaired" -> NONE;
        default -> OF_ROWS;
      };
    }
  }

  private static void checkLosses(
      SoftAssertions softly, ObjectiveStep.Result step, JsonNode expected, Order order) {
    double tolerance = LossFixtures.tolerance(expected);
    near(softly, "mean", step.loss(), expected.get("mean").asDouble(), tolerance);
    JsonNode losses = expected.path("losses");
    if (order == Order.NONE || losses.isMissingNode()) {
      return;
    }
    double[] theirs = new double[losses.size()];
    double[] ours = new double[losses.size()];
    for (int i = 0; i < theirs.length; i++) {
      theirs[i] = losses.get(i).asDouble();
      ours[i] = step.losses().get(i).terms().get(0).loss().value();
    }
    if (order == Order.OF_MARGINS) {
      Arrays.sort(theirs);
      Arrays.sort(ours);
    }
    for (int i = 0; i < theirs.length; i++) {
      near(softly, "loss " + i, ours[i], theirs[i], tolerance);
    }
  }

  /**
   * @param ofChosen what is added to our derivatives by the chosen side
   */
  private static void checkGradients(
      SoftAssertions softly, ObjectiveStep.Result step, JsonNode expected, double ofChosen) {
    double tolerance = LossFixtures.tolerance(expected);
    for (int i = 0; i < step.gradients().size(); i++) {
      Map<String, double[]> gradients = step.gradients().get(i);
      double chosen = expected.get("grad_policy_chosen").get(i).asDouble();
      double rejected = expected.get("grad_policy_rejected").get(i).asDouble();
      near(softly, "chosen " + i, gradients.get("chosen")[0] + ofChosen, chosen, tolerance);
      near(softly, "rejected " + i, gradients.get("rejected")[0], rejected, tolerance);
    }
  }

  private static List<ObjectiveStep.Row> rows(JsonNode inputs) {
    List<ObjectiveStep.Row> rows = new ArrayList<>();
    for (int i = 0; i < inputs.get("policy_chosen_logps").size(); i++) {
      rows.add(
          ObjectiveStep.Row.of(
              Map.of(
                  "chosen", tokens(inputs, "chosen", i), "rejected", tokens(inputs, "rejected", i)),
              new Reference(
                  Map.of(
                      "chosen", inputs.get("reference_chosen_logps").get(i).asDouble(),
                      "rejected", inputs.get("reference_rejected_logps").get(i).asDouble()),
                  Map.of())));
    }
    return rows;
  }

  /** As many equal log-probabilities as the sequence is long, with the given sum. */
  private static double[] tokens(JsonNode inputs, String role, int row) {
    double[] tokens = new double[inputs.get(role + "_lengths").get(row).asInt()];
    double sum = inputs.get("policy_" + role + "_logps").get(row).asDouble();
    Arrays.fill(tokens, sum / tokens.length);
    return tokens;
  }
}
