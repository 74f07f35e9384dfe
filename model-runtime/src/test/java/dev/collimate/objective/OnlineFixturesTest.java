package dev.collimate.objective;

import static dev.collimate.objective.LossFixtures.near;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.objective.ObjectiveStep.OfRollout;
import dev.collimate.objective.ObjectiveStep.Row;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** TRL's losses of the GRPO family and of RLOO, and its advantages. */
@Tag("fixtures")
class OnlineFixturesTest {

  /** TRL's configuration of an entry, by the option that it is here. */
  private static final Map<String, String> OPTIONS =
      Map.ofEntries(
          Map.entry("loss_type", "loss_type"),
          Map.entry("importance_sampling_level", "importance_sampling_level"),
          Map.entry("epsilon_low", "epsilon"),
          Map.entry("epsilon_high", "epsilon_high"),
          Map.entry("beta", "beta"),
          Map.entry("delta", "delta"),
          Map.entry("temperature_pos", "sapo_temperature_pos"),
          Map.entry("temperature_neg", "sapo_temperature_neg"),
          Map.entry("k_pos", "vespo_k_pos"),
          Map.entry("lambda_pos", "vespo_lambda_pos"),
          Map.entry("k_neg", "vespo_k_neg"),
          Map.entry("lambda_neg", "vespo_lambda_neg"),
          Map.entry("off_policy_mask_threshold", "off_policy_mask_threshold"));

  private static final Set<String> EXPECTED =
      Set.of("loss", "grad_per_token_logps", "source", "note", "kl", "clip_ratio_region_mean");

  private static final Set<String> OVER_ALL_TOKENS = Set.of("dapo", "cispo", "vespo");

  @TestFactory
  Stream<DynamicTest> everyLossIsTrls() {
    return LossFixtures.tests(
        "grpo", name -> Optional.of((softly, fixture, expected) -> grpo(softly, name, fixture)));
  }

  private static void grpo(SoftAssertions softly, String name, JsonNode fixture) {
    JsonNode expected = fixture.get("expected").get(name);
    JsonNode inputs = fixture.get("inputs");
    Objective objective = Objectives.create("grpo", options(expected));
    boolean isOnPolicy = name.equals("grpo_on_policy");
    List<Row> rows = new ArrayList<>();
    int tokens = 0;
    for (int i = 0; i < inputs.get("advantages").size(); i++) {
      double[] policy = counted(inputs, "per_token_logps", i);
      Map<String, float[]> others = new LinkedHashMap<>();
      others.put("completion", narrow(counted(inputs, "ref_per_token_logps", i)));
      if (!isOnPolicy) {
        others.put("old", narrow(counted(inputs, "old_per_token_logps", i)));
      }
      double advantage = inputs.get("advantages").get(i).asDouble();
      double maxLength = inputs.get("max_completion_length").asDouble();
      rows.add(Row.ofRollout(policy, others, OfRollout.given(advantage, maxLength)));
      tokens += policy.length;
    }
    int further = inputs.get("num_items_in_batch").asInt() - tokens;
    if (further > 0 && OVER_ALL_TOKENS.contains(expected.get("loss_type").asText())) {
      rows.add(withoutLoss(further));
    }

    ObjectiveStep.Result step = ObjectiveStep.first(objective, rows);

    near(softly, "loss", step.loss(), expected.get("loss"));
    gradients(softly, step, inputs, expected.get("grad_per_token_logps"));
    int count = inputs.get("advantages").size();
    for (String metric : List.of("kl", "clip_ratio_region_mean")) {
      if (expected.has(metric)) {
        String ours = metric.replace("clip_ratio_", "clip_ratio/");
        near(softly, metric, mean(step.losses().subList(0, count), ours), expected.get(metric));
      }
    }
  }

  /** The tokens of the global batch that stand in other micro-batches. */
  private static Row withoutLoss(int tokens) {
    Map<String, float[]> others = Map.of("completion", new float[tokens], "old", new float[tokens]);
    return Row.ofRollout(new double[tokens], others, OfRollout.given(0, tokens));
  }

  private static Map<String, Object> options(JsonNode expected) {
    Map<String, Object> options = new LinkedHashMap<>();
    for (Iterator<String> names = expected.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      JsonNode value = expected.get(name);
      if (EXPECTED.contains(name) || value.isNull()) {
        continue;
      }
      String option =
          Optional.ofNullable(OPTIONS.get(name))
              .orElseThrow(() -> new AssertionError("no option answers to '" + name + "'"));
      boolean isWord =
          Set.of("epsilon_high", "delta", "off_policy_mask_threshold").contains(option);
      options.put(option, value.isNumber() && !isWord ? value.asDouble() : value.asText());
    }
    return options;
  }

  @TestFactory
  Stream<DynamicTest> leaveOneOutIsTrls() {
    return LossFixtures.section("rloo").stream()
        .map(
            fixture ->
                DynamicTest.dynamicTest(
                    fixture.get("id").asText(),
                    () -> {
                      SoftAssertions softly = new SoftAssertions();
                      rloo(softly, fixture);
                      softly.assertAll();
                    }));
  }

  private static void rloo(SoftAssertions softly, JsonNode fixture) {
    JsonNode inputs = fixture.get("inputs");
    JsonNode expected = fixture.get("expected");
    softly
        .assertThat(expected.fieldNames())
        .toIterable()
        .containsOnly("loss", "grad_per_token_logps");
    Objective objective =
        Objectives.create(
            "rloo",
            Map.of(
                "epsilon",
                inputs.get("epsilon_low").asDouble(),
                "epsilon_high",
                inputs.get("epsilon_high").asText()));
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < inputs.get("advantages").size(); i++) {
      double[] policy = counted(inputs, "per_token_logps", i);
      float[] old = new float[policy.length];
      old[0] = (float) inputs.get("old_logps").get(i).asDouble();
      OfRollout given = OfRollout.given(inputs.get("advantages").get(i).asDouble());
      rows.add(Row.ofRollout(policy, Map.of("old", old), given));
    }

    ObjectiveStep.Result step = ObjectiveStep.first(objective, rows);

    near(softly, "loss", step.loss(), expected.get("loss"));
    gradients(softly, step, inputs, expected.get("grad_per_token_logps"));
  }

  @TestFactory
  Stream<DynamicTest> advantagesAreTrls() {
    return LossFixtures.tests("advantages", OnlineFixturesTest::advantages);
  }

  private static Optional<LossFixtures.Check> advantages(String name) {
    return switch (name) {
      case "scale_group", "scale_batch", "scale_none" ->
          advantages("grpo", Map.of("scale_rewards", name.replace("scale_", "")));
      case "normalize_then_sum" -> advantages("grpo", Map.of("multi_objective_aggregation", name));
      case "rloo" -> advantages("rloo", Map.of("beta", 0.0));
      case "rloo_normalized" ->
          advantages("rloo", Map.of("beta", 0.0, "normalize_advantages", true));
      default -> Optional.empty();
    };
  }

  private static Optional<LossFixtures.Check> advantages(
      String objective, Map<String, Object> options) {
    return Optional.of(
        (softly, fixture, expected) -> {
          JsonNode inputs = fixture.get("inputs");
          Map<String, Object> all = new LinkedHashMap<>(options);
          all.put("num_generations", inputs.get("num_generations").asDouble());
          Online online = (Online) Objectives.create(objective, all);
          Assessment assessment = online.assess(judged(inputs));
          JsonNode values = expected.get("advantages");
          softly.assertThat(assessment.rows()).hasSize(values.size());
          for (int i = 0; i < values.size(); i++) {
            near(softly, "row " + i, assessment.rows().get(i).advantage(), values.get(i));
          }
        });
  }

  private static Judged judged(JsonNode inputs) {
    int generations = inputs.get("num_generations").asInt();
    List<String> names = new ArrayList<>();
    List<Double> weights = new ArrayList<>();
    inputs.get("reward_weights").forEach(weight -> weights.add(weight.asDouble()));
    weights.forEach(weight -> names.add("reward_" + names.size()));
    List<Judged.Completion> completions = new ArrayList<>();
    for (JsonNode rewards : inputs.get("rewards_per_function")) {
      double[] ofRow = new double[names.size()];
      for (int k = 0; k < ofRow.length; k++) {
        ofRow[k] = rewards.get(k).isNumber() ? rewards.get(k).asDouble() : Double.NaN;
      }
      String prompt = "prompt-" + completions.size() / generations;
      completions.add(
          new Judged.Completion(
              prompt,
              completions.size() % generations,
              new Sampled(new int[] {1}, new int[] {1}, true, 1),
              ofRow,
              new float[0],
              new float[0],
              new float[0]));
    }
    return new Judged(names, weights, completions);
  }

  private static void gradients(
      SoftAssertions softly, ObjectiveStep.Result step, JsonNode inputs, JsonNode expected) {
    for (int i = 0; i < expected.size(); i++) {
      double[] actual = step.gradients().get(i).get("completion");
      double[] ofRow = counted(inputs, expected, i);
      softly.assertThat(actual).hasSameSizeAs(ofRow);
      for (int t = 0; t < ofRow.length; t++) {
        near(softly, "row %d token %d".formatted(i, t), actual[t], ofRow[t], LossFixtures.FLOAT64);
      }
    }
  }

  private static double mean(List<RowLoss> rows, String metric) {
    double sum = 0;
    double weight = 0;
    for (RowLoss row : rows) {
      for (RowLoss.Metric each : row.metrics()) {
        if (each.name().equals(metric)) {
          sum += each.sum();
          weight += each.weight();
        }
      }
    }
    return sum / weight;
  }

  private static double[] counted(JsonNode inputs, String name, int row) {
    return counted(inputs, inputs.get(name), row);
  }

  private static double[] counted(JsonNode inputs, JsonNode values, int row) {
    JsonNode mask = inputs.get("completion_mask").get(row);
    List<Double> counted = new ArrayList<>();
    for (int t = 0; t < mask.size(); t++) {
      if (mask.get(t).asInt() == 1) {
        counted.add(values.get(row).get(t).asDouble());
      }
    }
    return counted.stream().mapToDouble(Double::doubleValue).toArray();
  }

  private static float[] narrow(double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }
}
