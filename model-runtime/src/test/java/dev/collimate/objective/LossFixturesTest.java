package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.Fixtures;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.objective.RowInputs.StepNumbers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Losses and gradients of TRL's own code on given log-probabilities and logits. */
@Tag("fixtures")
class LossFixturesTest {

  private static final double FLOAT64 = 1e-6;

  /** Logits and their gradients stand in the file as float32. */
  private static final double FLOAT32 = 1e-5;

  private static Path folder;
  private static JsonNode losses;

  @BeforeAll
  static void openTheFolder() throws IOException {
    folder = Fixtures.path("losses");
    losses = Fixtures.json("losses/losses.json");
  }

  @Test
  void summedLogProbabilitiesGiveTrlsSigmoidLoss() {
    SoftAssertions softly = new SoftAssertions();
    Map<String, Integer> skipped = new TreeMap<>();
    int run = 0;
    for (JsonNode fixture : losses.get("preference")) {
      JsonNode expected = fixture.get("expected");
      expected
          .fieldNames()
          .forEachRemaining(
              name -> {
                if (!name.equals("sigmoid")) {
                  skipped.merge(name, 1, Integer::sum);
                }
              });
      checkSigmoid(softly, fixture, expected.get("sigmoid"));
      run++;
    }
    System.out.println("preference losses: " + run + " run, skipped by name " + skipped);
    softly.assertAll();
    assertThat(run).isPositive();
  }

  private static void checkSigmoid(SoftAssertions softly, JsonNode fixture, JsonNode expected) {
    String id = fixture.get("id").asText();
    Objective dpo = Objectives.create("dpo", Map.of("beta", fixture.get("beta").asDouble()));
    JsonNode inputs = fixture.get("inputs");
    int rows = inputs.get("policy_chosen_logps").size();
    StepTotals totals = new StepTotals(rows, rows, new TreeMap<>(), new TreeMap<>());
    double mean = 0;
    for (int i = 0; i < rows; i++) {
      TokenLogProbs chosen = oneToken(inputs, "policy_chosen_logps", i);
      TokenLogProbs rejected = oneToken(inputs, "policy_rejected_logps", i);
      Map<String, Double> reference =
          Map.of(
              "chosen", inputs.get("reference_chosen_logps").get(i).asDouble(),
              "rejected", inputs.get("reference_rejected_logps").get(i).asDouble());
      RowLoss row = dpo.row(pair(chosen, rejected, reference));
      mean += row.differentiate(1, totals);
      near(softly, id, row.terms().get(0).loss().value(), expected.get("losses").get(i));
      near(softly, id, chosen.gradients()[0], expected.get("grad_policy_chosen").get(i));
      near(softly, id, rejected.gradients()[0], expected.get("grad_policy_rejected").get(i));
      near(softly, id, row.metrics().get(0).sum(), fixture.at("/expected_rewards/chosen").get(i));
    }
    near(softly, id, mean, expected.get("mean"));
  }

  @Test
  void logitsGiveTrlsSigmoidLoss() throws IOException {
    SoftAssertions softly = new SoftAssertions();
    assertThat(losses.get("token_level").size()).isPositive();
    for (JsonNode fixture : losses.get("token_level")) {
      LogitRows policy = new LogitRows(fixture, tensor(fixture.get("policy_logits").asText()));
      LogitRows reference =
          new LogitRows(fixture, tensor(fixture.get("reference_logits").asText()));
      Objective dpo = Objectives.create("dpo", Map.of("beta", fixture.get("beta").asDouble()));
      int pairs = policy.rows.size() / 2;
      StepTotals totals = new StepTotals(pairs, pairs, new TreeMap<>(), new TreeMap<>());
      double loss = 0;
      double chosenRewards = 0;
      for (int i = 0; i < pairs; i++) {
        Map<String, Double> sums =
            Map.of(
                "chosen", reference.rows.get(i).sum().value(),
                "rejected", reference.rows.get(i + pairs).sum().value());
        RowLoss row = dpo.row(pair(policy.rows.get(i), policy.rows.get(i + pairs), sums));
        loss += row.differentiate(1, totals);
        chosenRewards += row.metrics().get(0).sum() / pairs;
      }
      JsonNode expected = fixture.at("/expected/sigmoid");
      near(softly, "loss", loss, expected.get("loss"));
      near(softly, "rewards", chosenRewards, expected.get("rewards_chosen"));
      checkGradient(softly, policy, tensor(expected.get("grad_policy_logits").asText()));
    }
    softly.assertAll();
  }

  @Test
  void logitsGiveTrlsCrossEntropy() throws IOException {
    SoftAssertions softly = new SoftAssertions();
    assertThat(losses.get("token_level").size()).isPositive();
    for (JsonNode fixture : losses.get("token_level")) {
      LogitRows policy = new LogitRows(fixture, tensor(fixture.get("policy_logits").asText()));
      Objective sft = Objectives.create("sft", Map.of());
      int chosen = policy.rows.size() / 2;
      double tokens = 0;
      for (int i = 0; i < chosen; i++) {
        tokens += policy.rows.get(i).count();
      }
      StepTotals totals =
          new StepTotals(
              chosen, chosen, new TreeMap<>(Map.of("completion", tokens)), new TreeMap<>());
      double loss = 0;
      for (int i = 0; i < chosen; i++) {
        loss +=
            sft.row(inputs(Map.of("completion", policy.rows.get(i)), Reference.NONE))
                .differentiate(1, totals);
      }
      JsonNode expected = fixture.at("/expected/sft");
      near(softly, "loss", loss, expected.get("loss"));
      checkGradient(softly, policy, tensor(expected.get("grad_policy_logits").asText()));
    }
    softly.assertAll();
  }

  private static void checkGradient(SoftAssertions softly, LogitRows policy, float[] expected) {
    double[] actual = policy.logitGradients();
    for (int i = 0; i < actual.length; i++) {
      softly
          .assertThat(actual[i])
          .as("logit %d", i)
          .isCloseTo(expected[i], within(FLOAT32 * Math.max(1, Math.abs(expected[i]))));
    }
  }

  private static void near(SoftAssertions softly, String what, double actual, JsonNode expected) {
    double value = expected.asDouble();
    softly
        .assertThat(actual)
        .as(what)
        .isCloseTo(value, within(FLOAT64 * Math.max(1, Math.abs(value))));
  }

  private static TokenLogProbs oneToken(JsonNode inputs, String name, int row) {
    return new TokenLogProbs(new double[] {inputs.get(name).get(row).asDouble()});
  }

  private static RowInputs pair(
      TokenLogProbs chosen, TokenLogProbs rejected, Map<String, Double> reference) {
    return inputs(
        Map.of("chosen", chosen, "rejected", rejected), new Reference(reference, Map.of()));
  }

  private static RowInputs inputs(Map<String, TokenLogProbs> policy, Reference reference) {
    return new RowInputs(
        policy, RowInputsOfTests.zeroQuantities(policy), reference, Map.of(), StepNumbers.NONE);
  }

  private static float[] tensor(String name) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.wrap(Files.readAllBytes(folder.resolve("losses.safetensors")))
            .order(ByteOrder.LITTLE_ENDIAN);
    int headerLength = Math.toIntExact(bytes.getLong(0));
    JsonNode header = new ObjectMapper().readTree(bytes.array(), 8, headerLength);
    JsonNode offsets = header.get(name).get("data_offsets");
    float[] values = new float[(offsets.get(1).asInt() - offsets.get(0).asInt()) / 4];
    bytes.position(8 + headerLength + offsets.get(0).asInt());
    bytes.asFloatBuffer().get(values);
    return values;
  }

  /** Log-probabilities of the counted tokens from logits [row][position][vocab], in double. */
  private static final class LogitRows {
    private final List<TokenLogProbs> rows = new ArrayList<>();
    private final List<int[]> positions = new ArrayList<>();
    private final JsonNode ids;
    private final float[] logits;
    private final int length;
    private final int vocab;

    LogitRows(JsonNode fixture, float[] logits) {
      this.ids = fixture.get("input_ids");
      this.logits = logits;
      this.length = ids.get(0).size();
      this.vocab = logits.length / (ids.size() * length);
      for (int row = 0; row < ids.size(); row++) {
        JsonNode mask = fixture.get("completion_mask").get(row);
        List<Integer> counted = new ArrayList<>();
        for (int t = 1; t < length; t++) {
          if (mask.get(t).asInt() == 1) {
            counted.add(t);
          }
        }
        double[] values = new double[counted.size()];
        for (int i = 0; i < values.length; i++) {
          int t = counted.get(i);
          values[i] = Math.log(probabilities(row, t - 1)[ids.get(row).get(t).asInt()]);
        }
        positions.add(counted.stream().mapToInt(Integer::intValue).toArray());
        rows.add(new TokenLogProbs(values));
      }
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

    double[] logitGradients() {
      double[] gradients = new double[logits.length];
      for (int row = 0; row < rows.size(); row++) {
        double[] byToken = rows.get(row).gradients();
        for (int i = 0; i < byToken.length; i++) {
          int t = positions.get(row)[i];
          double[] probabilities = probabilities(row, t - 1);
          for (int v = 0; v < vocab; v++) {
            double indicator = v == ids.get(row).get(t).asInt() ? 1 : 0;
            gradients[(row * length + t - 1) * vocab + v] =
                byToken[i] * (indicator - probabilities[v]);
          }
        }
      }
      return gradients;
    }
  }
}
