package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.Fixtures;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.DecoderOptions.Recomputation;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout.Parameter;
import dev.collimate.text.Sequence;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.Executable;

/**
 * Gradients of the DPO and SFT losses of the fixtures: here d loss / d log-probability is written
 * down by hand, the rest is the decoder's.
 */
@Tag("fixtures")
class GradientFixtureTest {

  private static final double NORMS = 1e-3;
  private static final double LARGEST_ENTRY = 1e-3;
  private static final String COMPARED = "numbers compared with the fixture's";

  @TestFactory
  Stream<DynamicTest> dpoGradientsAreAutograds() throws IOException {
    return ModelFixture.eachSupported(
        "DPO gradients",
        model -> () -> assertThat(checkDpo(model, Recomputation.NONE)).as(COMPARED).isPositive());
  }

  @TestFactory
  Stream<DynamicTest> dpoGradientsOfRecomputedLayersAreTheSame() throws IOException {
    return ModelFixture.eachSupported(
        "DPO gradients, layers recomputed",
        model -> () -> assertThat(checkDpo(model, Recomputation.LAYERS)).as(COMPARED).isPositive());
  }

  @TestFactory
  Stream<DynamicTest> sftGradientsAreAutograds() throws IOException {
    return ModelFixture.eachSupported(
        "SFT gradients", model -> () -> assertThat(checkSft(model)).as(COMPARED).isPositive());
  }

  @TestFactory
  Stream<DynamicTest> adapterLogitsArePefts() throws IOException {
    return eachAdapted(
        "adapter logits",
        model -> () -> assertThat(checkAdapterLogits(model)).as(COMPARED).isPositive());
  }

  private static int checkAdapterLogits(ModelFixture model) {
    try (Decoder decoder = model.adapted(DecoderOptions.frozen())) {
      for (JsonNode testCase : model.json("expected_adapter.json").get("cases")) {
        int[][] ids = Fixtures.rows(testCase.get("input_ids"));
        int[][] mask = Fixtures.rows(testCase.get("attention_mask"));
        float[] expected =
            model.tensor("expected_adapter.safetensors", testCase.get("logits").asText());
        float[] logits =
            decoder.logits(
                ids,
                ModelFixtureTest.valid(mask),
                ModelFixtureTest.positions(testCase, ids),
                Adapter.ON);
        assertThat(ModelFixtureTest.largestDifference(logits, expected, mask)).isLessThan(5e-4);
      }
      return model.json("expected_adapter.json").get("cases").size();
    }
  }

  @TestFactory
  Stream<DynamicTest> adapterGradientsArePefts() throws IOException {
    return eachAdapted(
        "adapter gradients",
        model ->
            () -> assertThat(checkAdapter(model, Recomputation.NONE)).as(COMPARED).isPositive());
  }

  @TestFactory
  Stream<DynamicTest> adapterGradientsOfRecomputedLayersArePefts() throws IOException {
    return eachAdapted(
        "adapter gradients, layers recomputed",
        model ->
            () -> assertThat(checkAdapter(model, Recomputation.LAYERS)).as(COMPARED).isPositive());
  }

  @TestFactory
  Stream<DynamicTest> theAdapterSwitchedOffIsTheBaseModel() throws IOException {
    return eachAdapted(
        "adapters switched off",
        model -> () -> assertThat(checkSwitchedOff(model)).as(COMPARED).isPositive());
  }

  private static Stream<DynamicTest> eachAdapted(
      String claim, Function<ModelFixture, Executable> test) throws IOException {
    return ModelFixture.eachWith("expected_adapter.json", claim, test);
  }

  private static int checkSwitchedOff(ModelFixture model) {
    JsonNode dpo = model.json("expected_adapter.json").get("dpo");
    List<Sequence> sequences = sequences(dpo);
    try (Decoder decoder = model.adapted(DecoderOptions.frozen());
        CausalModel.Pass pass = decoder.forward(sequences, Set.of(), Mode.EVALUATE, Adapter.OFF)) {
      float[][] logProbs = pass.values(Quantity.LOG_PROB);
      for (int pair = 0; pair < logProbs.length / 2; pair++) {
        assertThat(ModelFixtureTest.sum(logProbs[pair]))
            .isCloseTo(dpo.get("reference_chosen_logps").get(pair).asDouble(), within(1e-2));
      }
      return logProbs.length;
    }
  }

  private static int checkAdapter(ModelFixture model, Recomputation recomputation) {
    JsonNode dpo = model.json("expected_adapter.json").get("dpo");
    DecoderOptions options = new DecoderOptions(Precision.FLOAT32, recomputation, Trained.ADAPTER);
    try (Decoder decoder = model.adapted(options)) {
      FlatVector gradient = dpoGradient(decoder, dpo);
      checkFull(model, "expected_adapter.safetensors", decoder, gradient, dpo);
      return checkNorms(decoder, gradient, dpo);
    }
  }

  private static int checkDpo(ModelFixture model, Recomputation recomputation) {
    JsonNode dpo = model.json("expected.json").get("dpo");
    DecoderOptions options =
        new DecoderOptions(Precision.FLOAT32, recomputation, Trained.ALL_WEIGHTS);
    try (Decoder decoder = model.decoder(options)) {
      FlatVector gradient = dpoGradient(decoder, dpo);
      checkFull(model, "expected.safetensors", decoder, gradient, dpo);
      return checkNorms(decoder, gradient, dpo);
    }
  }

  private static int checkSft(ModelFixture model) {
    JsonNode sft = model.json("expected.json").get("sft");
    List<Sequence> sequences = new ArrayList<>();
    int counted = 0;
    for (int row = 0; row < sft.get("labels").size(); row++) {
      int[] labels = Fixtures.ints(sft.get("labels").get(row));
      int prompt = 0;
      while (labels[prompt] == -100) {
        prompt++;
      }
      int[] ids = Fixtures.ints(sft.get("input_ids").get(row));
      int[] mask = Fixtures.ints(sft.get("attention_mask").get(row));
      sequences.add(ModelFixture.sequence(ids, mask, prompt));
      counted += sequences.get(row).countedTokens();
    }
    try (Decoder decoder = model.decoder(DecoderOptions.training(Trained.ALL_WEIGHTS));
        CausalModel.Pass pass = decoder.forward(sequences, Set.of(), Mode.TRAIN, Adapter.ON)) {
      float[][] gradients = pass.values(Quantity.LOG_PROB);
      double loss = 0;
      for (float[] row : gradients) {
        loss -= ModelFixtureTest.sum(row) / counted;
        Arrays.fill(row, -1f / counted);
      }
      assertThat(loss).isCloseTo(sft.get("loss").asDouble(), within(1e-4));
      FlatVector gradient = new FlatVector(decoder.layout().size());
      pass.backward(gradients, gradient);
      return checkNorms(decoder, gradient, sft);
    }
  }

  /** Gradient of the mean of {@code -logsigmoid(beta * margin)}, all eight rows in one batch. */
  private static FlatVector dpoGradient(Decoder decoder, JsonNode dpo) {
    double beta = dpo.get("beta").asDouble();
    List<Sequence> sequences = sequences(dpo);
    int pairs = sequences.size() / 2;
    FlatVector gradient = new FlatVector(decoder.layout().size());
    try (CausalModel.Pass pass = decoder.forward(sequences, Set.of(), Mode.TRAIN, Adapter.ON)) {
      float[][] values = pass.values(Quantity.LOG_PROB);
      double loss = 0;
      for (int pair = 0; pair < pairs; pair++) {
        double chosen =
            ModelFixtureTest.sum(values[pair])
                - dpo.get("reference_chosen_logps").get(pair).asDouble();
        double rejected =
            ModelFixtureTest.sum(values[pairs + pair])
                - dpo.get("reference_rejected_logps").get(pair).asDouble();
        double margin = beta * (chosen - rejected);
        loss += Math.log1p(Math.exp(-margin)) / pairs;
        double slope = -beta / (1 + Math.exp(margin)) / pairs;
        Arrays.fill(values[pair], (float) slope);
        Arrays.fill(values[pairs + pair], (float) -slope);
      }
      assertThat(loss).isCloseTo(dpo.get("loss").asDouble(), within(1e-4));
      pass.backward(values, gradient);
    }
    return gradient;
  }

  /** Chosen rows, then rejected rows. */
  static List<Sequence> sequences(JsonNode dpo) {
    List<Sequence> sequences = new ArrayList<>();
    for (String side : List.of("chosen", "rejected")) {
      for (JsonNode pair : dpo.get("pairs")) {
        int[] prompt = Fixtures.ints(pair.get("prompt"));
        int[] completion = Fixtures.ints(pair.get(side));
        int[] ids = Arrays.copyOf(prompt, prompt.length + completion.length);
        System.arraycopy(completion, 0, ids, prompt.length, completion.length);
        int[] mask = new int[ids.length];
        Arrays.fill(mask, 1);
        sequences.add(ModelFixture.sequence(ids, mask, prompt.length));
      }
    }
    return sequences;
  }

  /** Compares the norm of every parameter's gradient and returns how many there are. */
  static int checkNorms(Decoder decoder, FlatVector gradient, JsonNode expected) {
    JsonNode norms = expected.get("grad_norms");
    List<Parameter> parameters = decoder.layout().parameters();
    List<Long> offsets = decoder.layout().offsets();
    assertThat(parameters).hasSize(norms.size());
    for (int i = 0; i < parameters.size(); i++) {
      double sum = 0;
      for (long j = offsets.get(i); j < offsets.get(i + 1); j++) {
        sum += (double) gradient.get(j) * gradient.get(j);
      }
      double norm = norms.get(parameters.get(i).name()).asDouble();
      assertThat(Math.sqrt(sum)).as(parameters.get(i).name()).isCloseTo(norm, within(NORMS * norm));
    }
    return parameters.size();
  }

  static void checkFull(
      ModelFixture model, String file, Decoder decoder, FlatVector gradient, JsonNode expected) {
    List<Parameter> parameters = decoder.layout().parameters();
    List<Long> offsets = decoder.layout().offsets();
    for (Map.Entry<String, JsonNode> entry : expected.get("full_gradients").properties()) {
      float[] full = model.tensor(file, entry.getValue().asText());
      int index = 0;
      while (!parameters.get(index).name().equals(entry.getKey())) {
        index++;
      }
      double largest = 0;
      double difference = 0;
      for (int i = 0; i < full.length; i++) {
        largest = Math.max(largest, Math.abs(full[i]));
        difference = Math.max(difference, Math.abs(full[i] - gradient.get(offsets.get(index) + i)));
      }
      assertThat(difference).as(entry.getKey()).isLessThan(LARGEST_ENTRY * largest);
    }
  }
}
