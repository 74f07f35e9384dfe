package dev.collimate.objective;

import static dev.collimate.objective.LossFixtures.near;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.nn.Quantity;
import dev.collimate.objective.RowInputs.Reference;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** TRL's losses from logits, and their derivatives with respect to the logits. */
@Tag("fixtures")
class TokenLevelFixturesTest {

  @TestFactory
  Stream<DynamicTest> logitsGiveTrlsLosses() {
    return LossFixtures.tests("token_level", TokenLevelFixturesTest::check);
  }

  private static Optional<LossFixtures.Check> check(String name) {
    if (name.startsWith("gkd_") || name.equals("dft")) {
      return Optional.of(LossFixtures.skipped(name + " needs more than log-probabilities"));
    }
    return switch (name) {
      case "sigmoid", "ipo", "sigmoid_norm", "wpo", "ld_dpo", "mpo", "rpo" ->
          Optional.of(TokenLevelFixturesTest::preference);
      case "sft" ->
          Optional.of(
              (softly, fixture, expected) -> {
                preference(softly, fixture, expected);
                crossEntropy(softly, fixture, expected);
              });
      default -> Optional.empty();
    };
  }

  private static void preference(SoftAssertions softly, JsonNode fixture, JsonNode expected) {
    LogitRows policy = new LogitRows(fixture, "policy_logits");
    LogitRows reference = new LogitRows(fixture, "reference_logits");
    int pairs = policy.size() / 2;
    List<ObjectiveStep.Row> rows = new ArrayList<>();
    for (int i = 0; i < pairs; i++) {
      rows.add(
          new ObjectiveStep.Row(
              "row",
              Map.of("chosen", policy.logProbs(i), "rejected", policy.logProbs(i + pairs)),
              Map.of("chosen", policy.quantities(i), "rejected", policy.quantities(i + pairs)),
              new Reference(
                  Map.of("chosen", reference.sum(i), "rejected", reference.sum(i + pairs)),
                  Map.of(
                      "chosen", narrow(reference.logProbs(i)),
                      "rejected", narrow(reference.logProbs(i + pairs)))),
              Map.of(),
              1));
    }
    Objective dpo = Objectives.create("dpo", options(fixture, expected));
    ObjectiveStep.Result step = ObjectiveStep.first(dpo, rows);
    near(softly, "loss", step.loss(), expected.get("loss"));
    for (String metric :
        List.of("rewards/chosen", "rewards/rejected", "logps/chosen", "logps/rejected")) {
      near(softly, metric, step.metric(metric), expected.get(metric.replace('/', '_')));
    }
    for (String metric : List.of("entropy", "mean_token_accuracy")) {
      near(softly, metric, step.metric(metric), expected.get(metric));
    }
    List<double[]> gradients = new ArrayList<>();
    step.gradients().forEach(row -> gradients.add(row.get("chosen")));
    step.gradients().forEach(row -> gradients.add(row.get("rejected")));
    checkGradient(softly, policy.logitGradients(gradients), expected);
  }

  private static Map<String, Object> options(JsonNode fixture, JsonNode expected) {
    List<String> lossTypes = new ArrayList<>();
    expected.get("loss_types").forEach(name -> lossTypes.add(name.asText()));
    List<Double> weights = new ArrayList<>();
    expected.get("loss_weights").forEach(weight -> weights.add(weight.asDouble()));
    return Map.of(
        "beta", fixture.get("beta").asDouble(),
        "loss_type", lossTypes,
        "loss_weights", weights,
        "label_smoothing", expected.get("label_smoothing").asDouble(),
        "use_weighting", expected.path("use_weighting").asBoolean(false),
        "ld_alpha", expected.path("ld_alpha").asDouble(1));
  }

  private static float[] narrow(double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  private static void crossEntropy(SoftAssertions softly, JsonNode fixture, JsonNode expected) {
    LogitRows policy = new LogitRows(fixture, "policy_logits");
    List<ObjectiveStep.Row> rows = new ArrayList<>();
    for (int i = 0; i < policy.size() / 2; i++) {
      rows.add(ObjectiveStep.Row.of(Map.of("completion", policy.logProbs(i)), Reference.NONE));
    }
    ObjectiveStep.Result step = ObjectiveStep.first(Objectives.create("sft", Map.of()), rows);
    near(softly, "loss", step.loss(), expected.get("loss"));
    List<double[]> gradients = step.gradients().stream().map(row -> row.get("completion")).toList();
    checkGradient(softly, policy.logitGradients(gradients), expected);
  }

  /** Logits and their gradients stand in the file as float32. */
  private static void checkGradient(SoftAssertions softly, double[] actual, JsonNode expected) {
    float[] tensor = LossFixtures.tensor(expected.get("grad_policy_logits").asText());
    softly.assertThat(actual).hasSameSizeAs(tensor);
    for (int i = 0; i < actual.length; i++) {
      near(softly, "logit " + i, actual[i], tensor[i], LossFixtures.FLOAT32);
    }
  }

  /** Logits [row][position][vocab] of a case, in double. */
  private static final class LogitRows {
    private final List<int[]> positions = new ArrayList<>();
    private final JsonNode ids;
    private final float[] logits;
    private final int length;
    private final int vocab;

    LogitRows(JsonNode fixture, String name) {
      ids = fixture.get("input_ids");
      logits = LossFixtures.tensor(fixture.get(name).asText());
      length = ids.get(0).size();
      vocab = logits.length / (ids.size() * length);
      for (JsonNode mask : fixture.get("completion_mask")) {
        List<Integer> counted = new ArrayList<>();
        for (int t = 1; t < length; t++) {
          if (mask.get(t).asInt() == 1) {
            counted.add(t);
          }
        }
        positions.add(counted.stream().mapToInt(Integer::intValue).toArray());
      }
    }

    int size() {
      return positions.size();
    }

    /** [counted token]. */
    double[] logProbs(int row) {
      double[] values = new double[positions.get(row).length];
      for (int i = 0; i < values.length; i++) {
        int t = positions.get(row)[i];
        values[i] = Math.log(probabilities(row, t - 1)[ids.get(row).get(t).asInt()]);
      }
      return values;
    }

    /** What a model says of each counted token besides its log-probability. */
    Map<Quantity, float[]> quantities(int row) {
      int[] counted = positions.get(row);
      Map<Quantity, float[]> quantities = new EnumMap<>(Quantity.class);
      for (Quantity quantity : Quantity.values()) {
        quantities.put(quantity, new float[counted.length]);
      }
      quantities.put(Quantity.LOG_PROB, narrow(logProbs(row)));
      for (int i = 0; i < counted.length; i++) {
        double[] probabilities = probabilities(row, counted[i] - 1);
        double squares = 0;
        double entropy = 0;
        double best = 0;
        for (double probability : probabilities) {
          squares += probability * probability;
          entropy -= probability * Math.log(probability);
          best = Math.max(best, probability);
        }
        double ofTarget = probabilities[ids.get(row).get(counted[i]).asInt()];
        quantities.get(Quantity.LOG_SUM_SQUARES)[i] = (float) Math.log(squares);
        quantities.get(Quantity.ENTROPY)[i] = (float) entropy;
        quantities.get(Quantity.TOP1)[i] = ofTarget == best ? 1 : 0;
      }
      return quantities;
    }

    double sum(int row) {
      double sum = 0;
      for (double value : logProbs(row)) {
        sum += value;
      }
      return sum;
    }

    private double[] probabilities(int row, int position) {
      double[] probabilities = new double[vocab];
      double total = 0;
      for (int v = 0; v < vocab; v++) {
        probabilities[v] = Math.exp(logits[(row * length + position) * vocab + v]);
        total += probabilities[v];
      }
      for (int v = 0; v < vocab; v++) {
        probabilities[v] /= total;
      }
      return probabilities;
    }

    /**
     * Carries derivatives by log-probability back to the logits; rows beyond those given have none.
     *
     * @param byToken [row][counted token]
     */
    double[] logitGradients(List<double[]> byToken) {
      double[] gradients = new double[logits.length];
      for (int row = 0; row < byToken.size(); row++) {
        for (int i = 0; i < byToken.get(row).length; i++) {
          int t = positions.get(row)[i];
          double[] probabilities = probabilities(row, t - 1);
          for (int v = 0; v < vocab; v++) {
            double indicator = v == ids.get(row).get(t).asInt() ? 1 : 0;
            gradients[(row * length + t - 1) * vocab + v] =
                byToken.get(row)[i] * (indicator - probabilities[v]);
          }
        }
      }
      return gradients;
    }
  }
}
