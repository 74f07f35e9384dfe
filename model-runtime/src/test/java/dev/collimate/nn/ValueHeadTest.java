package dev.collimate.nn;

import static dev.collimate.nn.ValuePasses.GRADIENTS;
import static dev.collimate.nn.ValuePasses.READ;
import static dev.collimate.nn.ValuePasses.assertGradientIsThatOfTheSum;
import static dev.collimate.nn.ValuePasses.parameters;
import static dev.collimate.nn.ValuePasses.rows;
import static dev.collimate.nn.ValuePasses.sequence;
import static dev.collimate.nn.ValuePasses.values;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.checkpoint.AdapterConfig;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.TargetModules;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.CausalModel.Pass;
import dev.collimate.nn.DecoderOptions.Recomputation;
import dev.collimate.nn.DecoderOptions.Sharing;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.nn.DecoderOptions.Values;
import dev.collimate.parameters.FlatVector;
import dev.collimate.random.CounterRandom;
import dev.collimate.text.Sequence;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Log-probabilities, entropies and values of the same tokens, learned together. */
class ValueHeadTest {

  private static final int HIDDEN = 16;
  private static final String CONFIG = RandomModel.llama(2, HIDDEN, 24, 4, 23);
  private static final String TIED =
      CONFIG.replace("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true");

  private static final AdapterConfig LORA =
      new AdapterConfig(2, 4, 0, new TargetModules.AllLinear(), false, "");

  @BeforeAll
  static void startEngine() {
    Engine.start(1, ComputeDevice.cpu());
  }

  @ParameterizedTest
  @CsvSource({"NONE, false", "LAYERS, false", "NONE, true", "LAYERS, true"})
  void oneBackwardPassHasTheGradientOfAll(Recomputation recomputation, boolean isTied) {
    String config = isTied ? TIED : CONFIG;
    try (Decoder decoder =
        decoder(config, new AdapterSource.None(), Trained.ALL_WEIGHTS, recomputation)) {
      checkGradient(decoder);
    }
  }

  /** Values do not know the temperature, log-probabilities and entropies do. */
  @ParameterizedTest
  @CsvSource({"NONE, false", "LAYERS, true"})
  void atATemperatureTheGradientIsThatOfItsDistribution(
      Recomputation recomputation, boolean isTied) {
    DecoderOptions options =
        new DecoderOptions(Precision.FLOAT32, recomputation, Trained.ALL_WEIGHTS)
            .withValues(Values.HEAD)
            .withTemperature(0.5);
    try (ModelFolder model = RandomModel.of(isTied ? TIED : CONFIG, 0.3, 5);
        Decoder decoder = Decoder.load(model, options)) {
      checkGradient(decoder);
    }
  }

  @ParameterizedTest
  @CsvSource({"NONE", "LAYERS"})
  void theHeadIsTrainedBesideAnAdapter(Recomputation recomputation) {
    AdapterSource fresh = new AdapterSource.Fresh(LORA, 3);
    try (Decoder decoder = decoder(CONFIG, fresh, Trained.ADAPTER, recomputation)) {
      checkGradient(decoder);
    }
  }

  private static void checkGradient(Decoder decoder) {
    FlatVector parameters = parameters(decoder);
    CounterRandom random = CounterRandom.of(1, "values");
    for (long i = 0; i < parameters.size(); i++) {
      parameters.set(i, parameters.get(i) + (float) (0.2 * random.uniform(i) - 0.1));
    }
    decoder.load(parameters);
    assertGradientIsThatOfTheSum(decoder, HIDDEN);
  }

  /** The vector that a gradient is written to holds the one before. */
  @Test
  void aHeadThatIsNotReadHasNoGradient() {
    try (Decoder decoder = all()) {
      FlatVector gradient = new FlatVector(decoder.layout().size());
      gradient.fill(7);
      try (Pass pass = decoder.forward(rows(), READ, Mode.TRAIN, Adapter.ON)) {
        pass.backward(GRADIENTS.get(Quantity.LOG_PROB), gradient);
      }
      for (long i = gradient.size() - HIDDEN; i < gradient.size(); i++) {
        assertThat(gradient.get(i)).isZero();
      }
    }
  }

  @Test
  void aFreshHeadGivesZeros() {
    try (Decoder decoder = all()) {
      assertThat(decoder.layout().parameters())
          .last()
          .satisfies(head -> assertThat(head.name()).isEqualTo(CausalModel.VALUE_HEAD))
          .satisfies(head -> assertThat(head.shape()).containsExactly(1L, (long) HIDDEN));
      assertThat(values(decoder, rows())[0]).containsOnly(0);
    }
  }

  /** The value of a token is that of the state before it: what follows changes nothing. */
  @Test
  void aValueKnowsWhatStandsBeforeItsToken() {
    try (Decoder decoder = all()) {
      FlatVector parameters = parameters(decoder);
      for (long i = parameters.size() - HIDDEN; i < parameters.size(); i++) {
        parameters.set(i, 0.5f + i % 3);
      }
      decoder.load(parameters);
      float[] values = values(decoder, List.of(sequence(2, 1, 5, 7, 9)))[0];
      float[] others = values(decoder, List.of(sequence(2, 1, 5, 8, 9)))[0];
      assertThat(others[0]).isEqualTo(values[0]);
      assertThat(others[1]).isNotEqualTo(values[1]);
    }
  }

  @Test
  void rowsThatShareAPrefixHaveTheSameValues() {
    DecoderOptions shared =
        new DecoderOptions(
            Precision.FLOAT32,
            Recomputation.NONE,
            Trained.ALL_WEIGHTS,
            Sharing.PREFIXES,
            Values.HEAD);
    List<Sequence> row = List.of(sequence(3, 1, 5, 7, 9, 2), sequence(3, 1, 5, 7, 4));
    try (ModelFolder model = RandomModel.of(CONFIG, 0.3, 5);
        Decoder decoder = Decoder.load(model, shared)) {
      FlatVector parameters = parameters(decoder);
      parameters.set(parameters.size() - 1, 1);
      decoder.load(parameters);
      float[][] alone = values(decoder, row);
      try (Pass pass = decoder.forwardRows(List.of(row), READ, Mode.EVALUATE, Adapter.ON)) {
        float[][] together = pass.values(Quantity.VALUE);
        for (int i = 0; i < alone.length; i++) {
          assertThat(together[i]).containsExactly(alone[i], within(1e-5f));
        }
      }
    }
  }

  @Test
  void passesLeaveNoTensorBehind() {
    try (Decoder decoder = all()) {
      step(decoder);
      int held = decoder.heldTensors();
      step(decoder);
      assertThat(decoder.heldTensors()).isEqualTo(held);
    }
  }

  private static void step(Decoder decoder) {
    try (Pass pass = decoder.forward(rows(), READ, Mode.TRAIN, Adapter.ON)) {
      pass.backward(GRADIENTS, new FlatVector(decoder.layout().size()));
    }
  }

  @Test
  void aModelWithoutTheHeadHasNoValues() {
    try (ModelFolder model = RandomModel.of(CONFIG, 0.3, 5);
        Decoder decoder = Decoder.load(model, DecoderOptions.frozen())) {
      assertThatThrownBy(() -> values(decoder, rows()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("this model has no value head");
    }
  }

  private static Decoder all() {
    return decoder(CONFIG, new AdapterSource.None(), Trained.ALL_WEIGHTS, Recomputation.NONE);
  }

  private static Decoder decoder(
      String config, AdapterSource adapter, Trained trained, Recomputation recomputation) {
    DecoderOptions options =
        new DecoderOptions(Precision.FLOAT32, recomputation, trained).withValues(Values.HEAD);
    try (ModelFolder model = RandomModel.of(config, 0.3, 5)) {
      return Decoder.load(model, adapter, options);
    }
  }
}
