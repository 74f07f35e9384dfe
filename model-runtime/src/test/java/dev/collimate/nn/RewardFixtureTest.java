package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.DecoderOptions.Recomputation;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.objective.Objective;
import dev.collimate.objective.Objectives;
import dev.collimate.objective.RowInputs;
import dev.collimate.objective.RowInputs.StepNumbers;
import dev.collimate.objective.SequenceScores;
import dev.collimate.objective.StepTotals;
import dev.collimate.parameters.FlatVector;
import dev.collimate.text.Sequence;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** A sequence classifier gives transformers' scores, and TRL's losses and gradients on them. */
@Tag("fixtures")
class RewardFixtureTest {

  private static final double SCORES = 1e-4;
  private static final double LOSS = 1e-4;

  @TestFactory
  Stream<DynamicTest> scoresAreTransformers() throws IOException {
    return ModelFixture.eachClassifier("scores", model -> () -> checkScores(model));
  }

  private static void checkScores(ModelFixture model) {
    JsonNode expected = model.json("expected.json");
    try (Decoder decoder = model.decoder(DecoderOptions.frozen());
        CausalModel.Pass pass =
            decoder.forward(sequences(expected), Set.of(), Mode.EVALUATE, Adapter.ON)) {
      float[][] scores = pass.values(Quantity.SCORE);
      assertThat(scores).hasDimensions(expected.get("rewards").size(), 1);
      for (int row = 0; row < scores.length; row++) {
        assertThat((double) scores[row][0])
            .as("row %d", row)
            .isCloseTo(expected.get("rewards").get(row).asDouble(), within(SCORES));
      }
    }
  }

  @TestFactory
  Stream<DynamicTest> lossesAndGradientsAreTrls() throws IOException {
    return ModelFixture.eachClassifier(
        "reward gradients", model -> () -> checkLosses(model, Recomputation.NONE));
  }

  @TestFactory
  Stream<DynamicTest> gradientsOfRecomputedLayersAreTheSame() throws IOException {
    return ModelFixture.eachClassifier(
        "reward gradients, layers recomputed",
        model -> () -> checkLosses(model, Recomputation.LAYERS));
  }

  private static void checkLosses(ModelFixture model, Recomputation recomputation) {
    JsonNode expected = model.json("expected.json");
    DecoderOptions options =
        new DecoderOptions(Precision.FLOAT32, recomputation, Trained.ALL_WEIGHTS);
    try (Decoder decoder = model.decoder(options)) {
      for (JsonNode loss : expected.get("losses")) {
        FlatVector gradient = gradient(decoder, sequences(expected), loss);
        GradientFixtureTest.checkNorms(decoder, gradient, loss);
        if (loss.has("full_gradients")) {
          GradientFixtureTest.checkFull(model, "expected.safetensors", decoder, gradient, loss);
        }
      }
    }
  }

  private static FlatVector gradient(Decoder decoder, List<Sequence> sequences, JsonNode loss) {
    Objective reward =
        Objectives.create(
            "reward",
            Map.of(
                "center_rewards_coefficient", loss.get("center_rewards_coefficient").asDouble()));
    int pairs = sequences.size() / 2;
    StepTotals totals = new StepTotals(pairs, pairs, new TreeMap<>(), new TreeMap<>());
    FlatVector gradient = new FlatVector(decoder.layout().size());
    try (CausalModel.Pass pass = decoder.forward(sequences, Set.of(), Mode.TRAIN, Adapter.ON)) {
      float[][] values = pass.values(Quantity.SCORE);
      double total = 0;
      for (int pair = 0; pair < pairs; pair++) {
        SequenceScores chosen = new SequenceScores(new double[] {values[pair][0]});
        SequenceScores rejected = new SequenceScores(new double[] {values[pairs + pair][0]});
        Map<String, Double> scalars =
            loss.hasNonNull("margin")
                ? Map.of("margin", loss.get("margin").get(pair).asDouble())
                : Map.of();
        RowInputs inputs =
            RowInputs.ofScores(
                Map.of("chosen", chosen, "rejected", rejected), scalars, StepNumbers.NONE);
        total += reward.row(inputs).differentiate(1, totals);
        values[pair][0] = (float) chosen.gradients()[0];
        values[pairs + pair][0] = (float) rejected.gradients()[0];
      }
      assertThat(total).isCloseTo(loss.get("loss").asDouble(), within(LOSS));
      pass.backward(values, gradient);
    }
    return gradient;
  }

  private static List<Sequence> sequences(JsonNode expected) {
    return GradientFixtureTest.sequences(expected);
  }
}
