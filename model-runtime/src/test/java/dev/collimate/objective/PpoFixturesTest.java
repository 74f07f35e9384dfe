package dev.collimate.objective;

import static dev.collimate.objective.LossFixtures.near;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.nn.Quantity;
import dev.collimate.objective.ObjectiveStep.OfRollout;
import dev.collimate.objective.ObjectiveStep.Row;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.online.Gae;
import dev.collimate.online.KlEstimate;
import dev.collimate.online.Moments;
import dev.collimate.online.TokenRewards;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** TRL's PPO, of two generations: rewards, returns, advantages, losses and derivatives. */
@Tag("fixtures")
class PpoFixturesTest {

  private static final String COMPLETION = Online.COMPLETION;

  /** TRL's configuration by the option that it is here; the older one names the estimate kl. */
  private static final Map<String, String> OPTIONS =
      Map.of(
          "kl_coef", "kl_coef",
          "gamma", "gamma",
          "lam", "lam",
          "whiten_rewards", "whiten_rewards",
          "kl_estimator", "kl_estimator",
          "kl_penalty", "kl_estimator",
          "cliprange", "cliprange",
          "cliprange_value", "cliprange_value",
          "vf_coef", "vf_coef");

  @TestFactory
  Stream<DynamicTest> aStepIsTrls() {
    return LossFixtures.tests("ppo", name -> check(name, /* isClassic= */ false));
  }

  @TestFactory
  Stream<DynamicTest> aStepIsThatOfOlderTrl() {
    return LossFixtures.tests("ppo_classic", name -> check(name, /* isClassic= */ true));
  }

  private static Optional<LossFixtures.Check> check(String name, boolean isClassic) {
    return switch (name) {
      case "policy_mask" -> step(isClassic, Case::policyMask);
      case "value_mask" -> step(isClassic, Case::valueMask);
      case "rewards" -> step(isClassic, Case::rewards);
      case "advantages_whitened" ->
          step(isClassic, (each, softly, expected) -> each.tokens(softly, "advantages", expected));
      case "returns" ->
          step(isClassic, (each, softly, expected) -> each.tokens(softly, "returns", expected));
      case "policy_loss" ->
          step(
              isClassic,
              (each, softly, expected) ->
                  near(softly, name, each.step.metric("loss/policy_avg"), expected));
      case "value_loss" ->
          step(
              isClassic,
              (each, softly, expected) ->
                  near(softly, name, each.step.metric("loss/value_avg"), expected));
      case "vf_coef_times_value_loss" ->
          step(
              isClassic,
              (each, softly, expected) ->
                  near(
                      softly,
                      name,
                      each.config.get("vf_coef").asDouble() * each.step.metric("loss/value_avg"),
                      expected));
      case "loss" ->
          step(
              isClassic,
              (each, softly, expected) -> near(softly, name, each.step.loss(), expected));
      case "policy_clip_fraction" ->
          step(
              isClassic,
              (each, softly, expected) ->
                  near(softly, name, each.step.metric("policy/clipfrac_avg"), expected));
      case "grad_new_logprobs" ->
          step(isClassic, (each, softly, expected) -> each.gradients(softly, COMPLETION, expected));
      case "grad_new_values" ->
          step(
              isClassic,
              (each, softly, expected) -> each.gradients(softly, Quantity.VALUE.name(), expected));
      default -> Optional.empty();
    };
  }

  @FunctionalInterface
  private interface CaseCheck {
    void run(Case each, SoftAssertions softly, JsonNode expected);
  }

  private static Optional<LossFixtures.Check> step(boolean isClassic, CaseCheck check) {
    return Optional.of(
        (softly, fixture, expected) -> check.run(new Case(fixture, isClassic), softly, expected));
  }

  /** A batch of completions, assessed and trained on once. */
  private static final class Case {
    private final JsonNode config;
    private final JsonNode inputs;
    private final boolean isClassic;
    private final Online objective;
    private final Judged rollout;
    private final Assessment assessment;
    private final ObjectiveStep.Result step;

    Case(JsonNode fixture, boolean isClassic) {
      config = fixture.get("config");
      inputs = fixture.get("inputs");
      this.isClassic = isClassic;
      objective = (Online) Objectives.create("ppo", options());
      List<Judged.Completion> completions = new ArrayList<>();
      for (int i = 0; i < inputs.get("scores").size(); i++) {
        completions.add(completion(i));
      }
      rollout = new Judged(List.of("score"), List.of(1.0), completions);
      Assessment assessed = objective.assess(rollout);
      assessment =
          isClassic && config.get("whiten_rewards").asBoolean() ? padded(assessed) : assessed;
      List<Row> rows = new ArrayList<>();
      for (int i = 0; i < completions.size(); i++) {
        rows.add(row(i));
      }
      step = ObjectiveStep.first(objective, rows);
    }

    /**
     * The older TRL whitens the zeros of padding too, whose rewards then reach the tokens before
     * them: what it gives depends on how far a batch is padded. Here no padding has a reward, so
     * this is the same arithmetic on rows with theirs.
     */
    private Assessment padded(Assessment assessed) {
      List<double[]> rewards = rewards();
      Moments ofRewards = Moments.of(rewards);
      List<Gae> estimates = new ArrayList<>();
      List<double[]> counted = new ArrayList<>();
      for (int row = 0; row < rewards.size(); row++) {
        int[] positions = positions(row);
        double[] all = new double[width()];
        double[] values = new double[width()];
        for (int t = 0; t < positions.length; t++) {
          all[positions[t]] = rewards.get(row)[t];
          values[positions[t]] = at(row, "values")[t];
        }
        Gae estimate =
            Gae.of(
                Arrays.stream(all).map(ofRewards::rescaled).toArray(),
                values,
                config.get("gamma").asDouble(),
                config.get("lam").asDouble());
        estimates.add(estimate);
        counted.add(at(positions, estimate.advantages()));
      }
      Moments ofAdvantages = Moments.of(counted);
      List<Assessment.Row> rows = new ArrayList<>();
      for (int row = 0; row < rewards.size(); row++) {
        Assessment.Row plain = assessed.rows().get(row);
        Map<String, float[]> tokens = new LinkedHashMap<>(plain.tokens());
        double[] advantages = Arrays.stream(counted.get(row)).map(ofAdvantages::whitened).toArray();
        tokens.put("advantages", narrow(advantages));
        tokens.put("returns", narrow(at(positions(row), estimates.get(row).returns())));
        rows.add(
            new Assessment.Row(
                plain.weight(), plain.advantage(), plain.given(), tokens, plain.counts()));
      }
      return new Assessment(rows, assessed.metrics());
    }

    private static double[] at(int[] positions, double[] all) {
      return Arrays.stream(positions).mapToDouble(t -> all[t]).toArray();
    }

    private Map<String, Object> options() {
      Map<String, Object> options = new LinkedHashMap<>();
      for (Iterator<String> names = config.fieldNames(); names.hasNext(); ) {
        String name = names.next();
        JsonNode value = config.get(name);
        String option =
            Optional.ofNullable(OPTIONS.get(name))
                .orElseThrow(() -> new AssertionError("no option answers to '" + name + "'"));
        if (value.isBoolean()) {
          options.put(option, value.asBoolean());
        } else if (value.isNumber()) {
          options.put(option, value.asDouble());
        } else {
          options.put(option, value.asText().equals("kl") ? "k1" : value.asText());
        }
      }
      options.put("value_after_end", !isClassic);
      return options;
    }

    private int width() {
      return inputs.get("logprobs").get(0).size();
    }

    /** The tokens' places in the row; those of a completion stand together. */
    private int[] tokens(int row) {
      List<Integer> places = new ArrayList<>();
      for (int t = 0; t < width(); t++) {
        boolean isToken =
            isClassic
                ? inputs.get("mask").get(row).get(t).asInt() == 1
                : t <= inputs.get("last_token_index").get(row).asInt();
        if (isToken) {
          places.add(t);
        }
      }
      return places.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Of the tokens and, where there is one, of the state after them. */
    private int[] positions(int row) {
      int[] tokens = tokens(row);
      if (isClassic || tokens.length == width()) {
        return tokens;
      }
      int[] positions = Arrays.copyOf(tokens, tokens.length + 1);
      positions[tokens.length] = tokens[tokens.length - 1] + 1;
      return positions;
    }

    private double[] at(int row, String name) {
      return Arrays.stream(positions(row))
          .mapToDouble(t -> inputs.get(name).get(row).get(t).asDouble())
          .toArray();
    }

    private float[] floatsAt(int row, String name) {
      return narrow(at(row, name));
    }

    private static float[] narrow(double[] values) {
      float[] floats = new float[values.length];
      for (int t = 0; t < floats.length; t++) {
        floats[t] = (float) values[t];
      }
      return floats;
    }

    private Judged.Completion completion(int row) {
      int[] ids = new int[tokens(row).length];
      return new Judged.Completion(
          "prompt-" + row,
          0,
          new Sampled(new int[] {1}, ids, true, width()),
          new double[] {inputs.get("scores").get(row).asDouble()},
          floatsAt(row, "logprobs"),
          floatsAt(row, "values"),
          floatsAt(row, "ref_logprobs"));
    }

    private Row row(int row) {
      Assessment.Row assessed = assessment.rows().get(row);
      Map<String, float[]> tokens = new LinkedHashMap<>(assessed.tokens());
      tokens.put(Online.OLD, floatsAt(row, "logprobs"));
      OfRollout numbers =
          new OfRollout(
              assessed.given(), assessed.counts(), Map.of(Quantity.VALUE, at(row, "new_values")));
      return Row.ofRollout(at(row, "new_logprobs"), tokens, numbers)
          .with(new Reference(Map.of(), tokens), assessed.weight(), numbers);
    }

    void policyMask(SoftAssertions softly, JsonNode expected) {
      for (int row = 0; row < expected.size(); row++) {
        double[] mask = new double[width()];
        int tokens = assessment.rows().get(row).counts().get("tokens");
        Arrays.fill(mask, 0, tokens, 1);
        softly.assertThat(mask).containsExactly(numbers(expected.get(row)));
      }
    }

    void valueMask(SoftAssertions softly, JsonNode expected) {
      for (int row = 0; row < expected.size(); row++) {
        double[] mask = new double[width()];
        Sampled sampled = rollout.completions().get(row).sampled();
        Arrays.fill(mask, 0, objective.sequence(sampled).countedTokens(), 1);
        softly.assertThat(mask).containsExactly(numbers(expected.get(row)));
      }
    }

    /** [row][position], before they are whitened. */
    private List<double[]> rewards() {
      List<double[]> rewards = new ArrayList<>();
      Map<String, Object> options = options();
      for (int row = 0; row < rollout.completions().size(); row++) {
        Judged.Completion completion = rollout.completions().get(row);
        rewards.add(
            TokenRewards.of(
                    completion.rewards()[0],
                    completion.tokens(),
                    positions(row).length,
                    completion.old(),
                    completion.reference(),
                    KlEstimate.valueOf(
                        options.get("kl_estimator").toString().toUpperCase(Locale.ROOT)),
                    config.get("kl_coef").asDouble())
                .values());
      }
      return rewards;
    }

    /** The newer TRL keeps them whitened, the older one as they were. */
    void rewards(SoftAssertions softly, JsonNode expected) {
      List<double[]> rewards = rewards();
      boolean isWhitened = !isClassic && config.get("whiten_rewards").asBoolean();
      Moments moments = Moments.of(rewards);
      for (int row = 0; row < expected.size(); row++) {
        int[] positions = positions(row);
        for (int t = 0; t < positions.length; t++) {
          double reward = rewards.get(row)[t];
          near(
              softly,
              "row %d position %d".formatted(row, t),
              isWhitened ? moments.rescaled(reward) : reward,
              expected.get(row).get(positions[t]));
        }
      }
    }

    void tokens(SoftAssertions softly, String role, JsonNode expected) {
      for (int row = 0; row < expected.size(); row++) {
        int[] positions = positions(row);
        float[] numbers = assessment.rows().get(row).tokens().get(role);
        softly.assertThat(numbers).hasSize(positions.length);
        for (int t = 0; t < positions.length; t++) {
          near(
              softly,
              "row %d position %d".formatted(row, t),
              numbers[t],
              expected.get(row).get(positions[t]));
        }
      }
    }

    void gradients(SoftAssertions softly, String role, JsonNode expected) {
      for (int row = 0; row < expected.size(); row++) {
        double[] spread = new double[width()];
        double[] gradients = step.gradients().get(row).get(role);
        int[] positions = positions(row);
        for (int t = 0; t < positions.length; t++) {
          spread[positions[t]] = gradients[t];
        }
        for (int t = 0; t < spread.length; t++) {
          near(softly, "row %d place %d".formatted(row, t), spread[t], expected.get(row).get(t));
        }
      }
    }

    private static double[] numbers(JsonNode array) {
      double[] numbers = new double[array.size()];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = array.get(i).asDouble();
      }
      return numbers;
    }
  }
}
