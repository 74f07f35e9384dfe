package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.AdapterConfig;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.TargetModules;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.CausalModel.Pass;
import dev.collimate.nn.DecoderOptions.Recomputation;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.parameters.FlatVector;
import dev.collimate.text.Sequence;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ScoreHeadTest {

  private static final String CONFIG =
      RandomModel.llama(2, 16, 24, 4, 23)
          .replace("LlamaForCausalLM", "LlamaForSequenceClassification")
          .replace(
              "\"bos_token_id\"",
              "\"id2label\": {\"0\": \"a\", \"1\": \"b\"}, \"pad_token_id\": 0, \"bos_token_id\"");

  private static final AdapterConfig LORA =
      new AdapterConfig(2, 4, 0, new TargetModules.AllLinear(), false, "")
          .withTask(AdapterConfig.Task.SEQ_CLS);

  /** Derivatives of the two scores of each of two sequences. */
  private static final float[][] WEIGHTS = {{1, -0.5f}, {0.25f, 2}};

  @BeforeAll
  static void startEngine() {
    Engine.start(1, ComputeDevice.cpu());
  }

  @ParameterizedTest
  @EnumSource
  void theGradientIsThatOfTheScores(Recomputation recomputation) {
    try (Decoder decoder =
        decoder(CONFIG, new AdapterSource.None(), Trained.ALL_WEIGHTS, recomputation)) {
      checkGradient(decoder);
    }
  }

  @ParameterizedTest
  @EnumSource
  void anAdapterTrainsTheHeadWithItsFactors(Recomputation recomputation) {
    AdapterSource fresh = new AdapterSource.Fresh(LORA, 3);
    try (Decoder decoder = decoder(CONFIG, fresh, Trained.ADAPTER, recomputation)) {
      FlatVector moved = parameters(decoder);
      for (long i = 0; i < moved.size(); i++) {
        moved.set(i, moved.get(i) + 0.1f);
      }
      decoder.load(moved);
      checkGradient(decoder);
      assertThat(decoder.layout().parameters())
          .last()
          .satisfies(head -> assertThat(head.name()).isEqualTo("base_model.model.score.weight"));
    }
  }

  /** Every 37th entry of the parameters, and all of the head. */
  private static void checkGradient(Decoder decoder) {
    FlatVector gradient = new FlatVector(decoder.layout().size());
    try (Pass pass = decoder.forward(rows(), Set.of(), Mode.TRAIN, Adapter.ON)) {
      pass.backward(WEIGHTS, gradient);
    }
    FlatVector parameters = parameters(decoder);
    float step = 0x1p-7f;
    for (long i = 0; i < parameters.size(); i += i < parameters.size() - 69 ? 37 : 1) {
      float at = parameters.get(i);
      parameters.set(i, at + step);
      decoder.load(parameters);
      double up = sum(decoder);
      parameters.set(i, at - step);
      decoder.load(parameters);
      double down = sum(decoder);
      parameters.set(i, at);
      assertThat((double) gradient.get(i))
          .as("entry %d", i)
          .isCloseTo((up - down) / (2 * step), within(2e-3));
    }
  }

  private static double sum(Decoder decoder) {
    double sum = 0;
    float[][] scores = scores(decoder, rows());
    for (int row = 0; row < scores.length; row++) {
      for (int label = 0; label < scores[row].length; label++) {
        sum += (double) WEIGHTS[row][label] * scores[row][label];
      }
    }
    return sum;
  }

  @Test
  void theScoreIsReadAtTheLastTokenThatIsNoPadding() {
    try (Decoder decoder = frozen(CONFIG)) {
      float[] bare = scores(decoder, List.of(sequence(5, 7, 9)))[0];
      assertThat(scores(decoder, List.of(sequence(5, 7, 9, 0, 0)))[0])
          .containsExactly(bare, within(1e-6f));
      assertThat(scores(decoder, List.of(sequence(5, 0, 7, 9)))[0][0]).isNotEqualTo(bare[0]);
      // As in transformers, a row of padding alone has the score of its first token.
      assertThat(scores(decoder, List.of(sequence(0, 0)))[0])
          .containsExactly(scores(decoder, List.of(sequence(0)))[0], within(1e-6f));
    }
  }

  @Test
  void withoutAPadTokenTheScoreIsReadAtTheLastToken() {
    try (Decoder decoder = frozen(CONFIG.replace("\"pad_token_id\": 0, ", ""))) {
      assertThat(scores(decoder, List.of(sequence(5, 7, 0)))[0][0])
          .isNotEqualTo(scores(decoder, List.of(sequence(5, 7)))[0][0]);
    }
  }

  @Test
  void neighboursDoNotChangeAScore() {
    try (Decoder decoder = frozen(CONFIG)) {
      float[][] together = scores(decoder, rows());
      for (int row = 0; row < together.length; row++) {
        assertThat(scores(decoder, List.of(rows().get(row)))[0])
            .containsExactly(together[row], within(1e-6f));
      }
    }
  }

  @Test
  void passesLeaveNoTensorBehind() {
    try (Decoder decoder =
        decoder(CONFIG, new AdapterSource.None(), Trained.ALL_WEIGHTS, Recomputation.LAYERS)) {
      step(decoder);
      int held = decoder.heldTensors();
      for (int i = 0; i < 3; i++) {
        step(decoder);
      }
      assertThat(decoder.heldTensors()).isEqualTo(held);
    }
  }

  private static void step(Decoder decoder) {
    try (Pass pass = decoder.forward(rows(), Set.of(), Mode.TRAIN, Adapter.ON)) {
      pass.backward(WEIGHTS, new FlatVector(decoder.layout().size()));
    }
  }

  @Test
  void tokensHaveNoLogProbabilityAndNoContinuation() {
    try (Decoder decoder = frozen(CONFIG)) {
      assertThatThrownBy(
              () -> decoder.forward(rows(), Set.of(Quantity.LOG_PROB), Mode.EVALUATE, Adapter.ON))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("LOG_PROB is not what this model's head gives: [SCORE]");
      assertThatThrownBy(() -> decoder.continuing(List.of(new int[] {1}), 3, Adapter.ON))
          .isInstanceOf(CollimateException.class)
          .hasMessageStartingWith("A model that gives scores of sequences continues no prompt");
    }
  }

  private static List<Sequence> rows() {
    return List.of(sequence(1, 5, 7, 9, 2), sequence(1, 4, 22));
  }

  private static Sequence sequence(int... ids) {
    return new Sequence(ids, 0, new byte[ids.length]);
  }

  private static float[][] scores(Decoder decoder, List<Sequence> rows) {
    try (Pass pass = decoder.forward(rows, Set.of(Quantity.SCORE), Mode.EVALUATE, Adapter.ON)) {
      return pass.values(Quantity.SCORE);
    }
  }

  private static FlatVector parameters(Decoder decoder) {
    FlatVector parameters = new FlatVector(decoder.layout().size());
    decoder.store(parameters);
    return parameters;
  }

  private static Decoder frozen(String config) {
    return decoder(config, new AdapterSource.None(), Trained.NONE, Recomputation.NONE);
  }

  private static Decoder decoder(
      String config, AdapterSource adapter, Trained trained, Recomputation recomputation) {
    DecoderOptions options = new DecoderOptions(Precision.FLOAT32, recomputation, trained);
    try (ModelFolder model = RandomModel.of(config, 0.3, 5)) {
      return Decoder.load(model, adapter, options);
    }
  }
}
