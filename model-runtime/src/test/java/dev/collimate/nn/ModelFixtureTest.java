package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.Fixtures;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.text.Sequence;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** Every model of the fixtures folder gives transformers' numbers. */
@Tag("fixtures")
class ModelFixtureTest {

  private static final double LOGITS = 5e-4;
  private static final double LOG_PROBS = 1e-4;

  @TestFactory
  Stream<DynamicTest> logitsAreTransformers() throws IOException {
    return ModelFixture.eachSupported("logits", model -> () -> checkLogits(model));
  }

  @TestFactory
  Stream<DynamicTest> logProbabilitiesOfResponsesAreTransformers() throws IOException {
    return ModelFixture.eachSupported("log-probabilities", model -> () -> checkLogProbs(model));
  }

  private static void checkLogits(ModelFixture model) {
    try (Decoder decoder = model.decoder(DecoderOptions.frozen())) {
      for (JsonNode testCase : model.json("expected.json").get("cases")) {
        int[][] ids = Fixtures.rows(testCase.get("input_ids"));
        int[][] mask = Fixtures.rows(testCase.get("attention_mask"));
        float[] expected = model.tensor("expected.safetensors", testCase.get("logits").asText());
        float[] logits = decoder.logits(ids, valid(mask), positions(testCase, ids), Adapter.ON);
        assertThat(largestDifference(logits, expected, mask))
            .as("%s, %s", model.name(), testCase.get("name").asText())
            .isLessThan(LOGITS);
      }
    }
  }

  private static void checkLogProbs(ModelFixture model) {
    try (Decoder decoder = model.decoder(DecoderOptions.frozen())) {
      for (JsonNode testCase : model.json("expected.json").get("cases")) {
        // Responses are scored at positions 0, 1, 2 and on; one case has pads before them.
        if (testCase.has("response_logps")
            && !testCase.get("name").asText().endsWith("default_positions")) {
          checkResponses(model.name(), decoder, testCase);
        }
      }
    }
  }

  private static void checkResponses(String name, Decoder decoder, JsonNode testCase) {
    JsonNode expected = testCase.get("response_logps");
    List<Sequence> sequences = new ArrayList<>();
    for (int row = 0; row < testCase.get("input_ids").size(); row++) {
      sequences.add(
          ModelFixture.sequence(
              Fixtures.ints(testCase.get("input_ids").get(row)),
              Fixtures.ints(testCase.get("attention_mask").get(row)),
              expected.get("prompt_lengths").get(row).asInt()));
    }
    try (CausalModel.Pass pass = decoder.forward(sequences, Set.of(), Mode.EVALUATE, Adapter.ON)) {
      float[][] logProbs = pass.values(Quantity.LOG_PROB);
      for (int row = 0; row < logProbs.length; row++) {
        double sum = expected.get("sum").get(row).asDouble();
        assertThat(logProbs[row]).hasSize(expected.get("token_count").get(row).asInt());
        assertThat(sum(logProbs[row]))
            .as("%s, row %d", name, row)
            .isCloseTo(sum, within(LOG_PROBS * Math.max(1, Math.abs(sum))));
      }
    }
  }

  static double sum(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum;
  }

  static boolean[][] valid(int[][] mask) {
    boolean[][] valid = new boolean[mask.length][mask[0].length];
    for (int row = 0; row < mask.length; row++) {
      for (int t = 0; t < mask[row].length; t++) {
        valid[row][t] = mask[row][t] == 1;
      }
    }
    return valid;
  }

  static int[][] positions(JsonNode testCase, int[][] ids) {
    if (testCase.hasNonNull("position_ids")) {
      return Fixtures.rows(testCase.get("position_ids"));
    }
    int[][] positions = new int[ids.length][ids[0].length];
    for (int[] row : positions) {
      for (int t = 0; t < row.length; t++) {
        row[t] = t;
      }
    }
    return positions;
  }

  /** Largest difference where the mask is 1. */
  static double largestDifference(float[] logits, float[] expected, int[][] mask) {
    assertThat(logits).hasSameSizeAs(expected);
    int seq = mask[0].length;
    int vocab = logits.length / (mask.length * seq);
    double largest = 0;
    for (int i = 0; i < logits.length; i++) {
      int position = i / vocab;
      if (mask[position / seq][position % seq] == 1) {
        largest = Math.max(largest, Math.abs(logits[i] - expected[i]));
      }
    }
    return largest;
  }
}
