package dev.collimate.learn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.Fixtures;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.CausalModel.Pass;
import dev.collimate.nn.Decoder;
import dev.collimate.nn.DecoderOptions;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.nn.ModelFixture;
import dev.collimate.nn.Quantity;
import dev.collimate.objective.Objective;
import dev.collimate.objective.Objectives;
import dev.collimate.objective.RowFacts;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.objective.StepTotals;
import dev.collimate.parameters.FlatVector;
import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** Twenty steps of DPO give the losses, rewards and weights of TRL with torch's AdamW. */
@Tag("fixtures")
class TrajectoryTest {

  private static final double LOSS = 1e-4;
  private static final double REWARDS = 1e-3;
  private static final double LOG_PROBS = 1e-4;
  private static final double GRADIENT_NORM = 1e-3;
  private static final Offset<Float> LOGITS = within(1e-3f);

  @TestFactory
  Stream<DynamicTest> allWeightsFollowTorch() throws IOException {
    return ModelFixture.eachWith(
        "trajectory.json",
        "20 steps of all weights",
        model ->
            () -> {
              try (Decoder decoder = model.decoder(DecoderOptions.training(Trained.ALL_WEIGHTS))) {
                assertThat(logitsAfter(model.json("trajectory.json"), decoder))
                    .isNotEmpty()
                    .containsExactly(
                        model.tensor("trajectory.safetensors", "final_logits"), LOGITS);
              }
            });
  }

  @TestFactory
  Stream<DynamicTest> theAdapterFollowsTorch() throws IOException {
    return ModelFixture.eachWith(
        "trajectory_adapter.json",
        "20 steps of the adapter",
        model ->
            () -> {
              try (Decoder decoder = model.adapted(DecoderOptions.training(Trained.ADAPTER))) {
                assertThat(logitsAfter(model.json("trajectory_adapter.json"), decoder))
                    .isNotEmpty()
                    .containsExactly(
                        model.tensor("trajectory_adapter.safetensors", "final_logits"), LOGITS);
              }
            });
  }

  /** Takes the steps, each of which must give TRL's numbers; the logits of the model after them. */
  private static float[] logitsAfter(JsonNode expected, Decoder decoder) {
    assertThat(expected.get("steps")).isNotEmpty();
    List<List<LearnRow>> batches = batches(decoder, expected.get("batches"));
    double beta = expected.at("/loss/beta").asDouble();
    Objective dpo = Objectives.create("dpo", Map.of("beta", beta));
    Learner learner = new Learner(decoder, dpo);
    FlatVector master = new FlatVector(learner.layout().size());
    FlatVector gradient = new FlatVector(learner.layout().size());
    learner.store(master);
    JsonNode torch = expected.get("optimizer");
    double learningRate = torch.get("lr").asDouble();
    double maxNorm = torch.get("max_grad_norm").asDouble();
    AdamWConfig config =
        new AdamWConfig(
            torch.at("/betas/0").asDouble(),
            torch.at("/betas/1").asDouble(),
            torch.get("eps").asDouble(),
            torch.get("weight_decay").elements().next().asDouble());
    AdamW optimizer = new AdamW(config, learner.layout());

    for (JsonNode step : expected.get("steps")) {
      List<LearnRow> rows = batches.get(step.get("batch").asInt());
      StepTotals totals =
          StepTotals.of(rows.stream().map(row -> RowFacts.of(row.example())).toList());
      StepContext context = new StepContext(step.get("step").asLong(), totals, new double[0]);
      LeafResult result = learner.gradient(context, rows, gradient);
      double norm = GradientClip.norm(gradient, 1);
      check(step, result, norm);
      optimizer.step(master, gradient, learningRate, GradientClip.factor(norm, maxNorm), 1);
      learner.load(master);
    }

    int[][] ids = Fixtures.rows(expected.at("/final/input_ids"));
    return ModelFixture.logits(decoder, ids);
  }

  private static void check(JsonNode step, LeafResult result, double norm) {
    String label = "step " + step.get("step").asInt();
    double expectedNorm = step.get("grad_norm_before_clipping").asDouble();
    assertThat(result.loss())
        .as("loss, %s", label)
        .isCloseTo(step.get("loss").asDouble(), within(LOSS));
    assertThat(norm)
        .as("gradient norm, %s", label)
        .isCloseTo(expectedNorm, within(GRADIENT_NORM * expectedNorm));
    for (String metric : List.of("rewards/chosen", "rewards/rejected", "rewards/margins")) {
      assertThat(result.metrics().value(metric))
          .as("%s, %s", metric, label)
          .isCloseTo(step.get(metric).asDouble(), within(REWARDS));
    }
    for (String metric : List.of("logps/chosen", "logps/rejected")) {
      double sum = step.get(metric).asDouble();
      assertThat(result.metrics().value(metric))
          .as("%s, %s", metric, label)
          .isCloseTo(sum, within(LOG_PROBS * Math.abs(sum)));
    }
    // At the first step both models are the same, and rounding alone decides which reward is
    // larger.
    double accuracy = step.get("rewards/accuracies").asDouble();
    if (step.get("step").asInt() > 1) {
      assertThat(result.metrics().value("rewards/accuracies")).as(label).isEqualTo(accuracy);
    }
  }

  /** The reference is the model before training, an adapter off. */
  private static List<List<LearnRow>> batches(Decoder decoder, JsonNode batches) {
    List<List<LearnRow>> read = new ArrayList<>();
    for (JsonNode batch : batches) {
      List<LearnRow> rows = new ArrayList<>();
      for (JsonNode pair : batch) {
        Map<String, Sequence> sequences = new LinkedHashMap<>();
        Map<String, Double> sums = new LinkedHashMap<>();
        for (String role : List.of("chosen", "rejected")) {
          Sequence sequence = sequence(pair.get("prompt"), pair.get(role));
          sequences.put(role, sequence);
          sums.put(role, logProb(decoder, sequence));
        }
        Example example = new Example("row-" + rows.size(), "", 1, sequences, Map.of());
        rows.add(new LearnRow(example, new Reference(sums, Map.of())));
      }
      read.add(rows);
    }
    return read;
  }

  private static Sequence sequence(JsonNode prompt, JsonNode completion) {
    int[] ids = new int[prompt.size() + completion.size()];
    byte[] mask = new byte[ids.length];
    for (int t = 0; t < ids.length; t++) {
      boolean isPrompt = t < prompt.size();
      ids[t] = (isPrompt ? prompt.get(t) : completion.get(t - prompt.size())).asInt();
      mask[t] = (byte) (isPrompt ? 0 : 1);
    }
    return new Sequence(ids, prompt.size(), mask);
  }

  private static double logProb(Decoder decoder, Sequence sequence) {
    Set<Quantity> quantities = Set.of(Quantity.LOG_PROB);
    try (Pass pass = decoder.forward(List.of(sequence), quantities, Mode.EVALUATE, Adapter.OFF)) {
      double sum = 0;
      for (float value : pass.values(Quantity.LOG_PROB)[0]) {
        sum += value;
      }
      return sum;
    }
  }
}
