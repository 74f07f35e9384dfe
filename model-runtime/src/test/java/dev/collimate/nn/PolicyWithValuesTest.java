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
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout.Parameter;
import dev.collimate.text.Sequence;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Log-probabilities of one model and values of another, of the same tokens. */
class PolicyWithValuesTest {

  private static final String CAUSAL = RandomModel.llama(2, 16, 24, 4, 23);

  /** Wider than the policy, and of another depth. */
  private static final String CLASSIFIER =
      RandomModel.llama(1, 24, 32, 4, 23)
          .replace("LlamaForCausalLM", "LlamaForSequenceClassification")
          .replace("\"bos_token_id\"", "\"num_labels\": 1, \"pad_token_id\": 0, \"bos_token_id\"");

  private static final AdapterConfig LORA =
      new AdapterConfig(2, 4, 0, new TargetModules.AllLinear(), false, "");

  @BeforeAll
  static void startEngine() {
    Engine.start(1, ComputeDevice.cpu());
  }

  @ParameterizedTest
  @CsvSource({"NONE, ALL_WEIGHTS", "LAYERS, ALL_WEIGHTS", "NONE, ADAPTER", "LAYERS, ADAPTER"})
  void theGradientOfBothModelsIsThatOfTheSum(Recomputation recomputation, Trained trained) {
    DecoderOptions options =
        new DecoderOptions(Precision.FLOAT32, recomputation, trained).withTemperature(0.5);
    try (PolicyWithValues model = model(options)) {
      assertGradientIsThatOfTheSum(model, /* head= */ 24);
    }
  }

  /** With respect to the value head the gradient of {@code sum(g * V)} is {@code sum(g * h)}. */
  @Test
  void theValueHeadIsTheClassifiersScoreAndTheLastOfTheParameters() {
    try (PolicyWithValues model = model(DecoderOptions.training(Trained.ALL_WEIGHTS))) {
      List<Parameter> layout = model.layout().parameters();
      assertThat(layout).first().extracting(Parameter::name).isEqualTo("model.embed_tokens.weight");
      assertThat(layout)
          .last()
          .isEqualTo(new Parameter("value_model.score.weight", List.of(1L, 24L)));
      FlatVector gradient = new FlatVector(model.layout().size());
      FlatVector parameters = parameters(model);
      try (Pass pass = model.forward(rows(), READ, Mode.TRAIN, Adapter.ON)) {
        pass.backward(GRADIENTS, gradient);
        double expected = 0;
        for (int row = 0; row < GRADIENTS.get(Quantity.VALUE).length; row++) {
          for (int t = 0; t < GRADIENTS.get(Quantity.VALUE)[row].length; t++) {
            expected +=
                (double) GRADIENTS.get(Quantity.VALUE)[row][t]
                    * pass.values(Quantity.VALUE)[row][t];
          }
        }
        double inner = 0;
        for (long i = parameters.size() - 24; i < parameters.size(); i++) {
          inner += (double) parameters.get(i) * gradient.get(i);
        }
        assertThat(inner).isCloseTo(expected, within(1e-4));
      }
    }
  }

  /** Only the value of the last token reads the state that the score of what precedes it reads. */
  @Test
  void aValueIsTheScoreOfWhatStandsBeforeItsToken() {
    Sequence before = new Sequence(new int[] {1, 5, 7, 9}, 4, new byte[4]);
    try (PolicyWithValues model = model(DecoderOptions.training(Trained.ALL_WEIGHTS));
        ModelFolder folder = classifier();
        Decoder classifier = Decoder.load(folder, DecoderOptions.frozen());
        Pass score = classifier.forward(List.of(before), Set.of(), Mode.EVALUATE, Adapter.ON)) {
      float[] values = values(model, List.of(sequence(2, 1, 5, 7, 9, 2)))[0];
      assertThat(values).hasSize(3);
      assertThat(values[2]).isCloseTo(score.values(Quantity.SCORE)[0][0], within(1e-6f));
    }
  }

  @Test
  void whatIsReadOfThePolicyIsAsItIsAlone() {
    DecoderOptions options = DecoderOptions.training(Trained.ALL_WEIGHTS);
    try (PolicyWithValues model = model(options);
        ModelFolder folder = RandomModel.of(CAUSAL, 0.3, 5);
        Decoder alone = Decoder.load(folder, options)) {
      FlatVector ofBoth = new FlatVector(model.layout().size());
      FlatVector ofOne = new FlatVector(alone.layout().size());
      Map<Quantity, float[][]> ofPolicy =
          Map.of(Quantity.LOG_PROB, GRADIENTS.get(Quantity.LOG_PROB));
      try (Pass both = model.forward(rows(), READ, Mode.TRAIN, Adapter.ON);
          Pass one = alone.forward(rows(), Set.of(Quantity.ENTROPY), Mode.TRAIN, Adapter.ON)) {
        assertThat(both.values(Quantity.LOG_PROB)).isDeepEqualTo(one.values(Quantity.LOG_PROB));
        assertThat(both.values(Quantity.ENTROPY)).isDeepEqualTo(one.values(Quantity.ENTROPY));
        both.backward(ofPolicy, ofBoth);
        one.backward(ofPolicy, ofOne);
      }
      for (long i = 0; i < ofBoth.size(); i++) {
        assertThat(ofBoth.get(i)).isEqualTo(i < ofOne.size() ? ofOne.get(i) : 0);
      }
    }
  }

  @Test
  void aCausalModelBeginsWithZeros() {
    try (ModelFolder causal = RandomModel.of(CAUSAL, 0.3, 6);
        ModelFolder zero = ModelFolder.openValueModel(causal.folder());
        PolicyWithValues model =
            PolicyWithValues.load(policy(DecoderOptions.frozen()), zero, DecoderOptions.frozen())) {
      assertThat(values(model, rows())).isDeepEqualTo(new float[][] {{0, 0, 0}, {0, 0}});
    }
  }

  @ParameterizedTest
  @EnumSource
  void passesLeaveNoTensorBehind(Recomputation recomputation) {
    DecoderOptions options =
        new DecoderOptions(Precision.FLOAT32, recomputation, Trained.ALL_WEIGHTS);
    try (PolicyWithValues model = model(options)) {
      step(model);
      int held = ((Decoder) model.valueModel()).heldTensors();
      step(model);
      assertThat(((Decoder) model.valueModel()).heldTensors()).isEqualTo(held);
    }
  }

  @Test
  void aModelOfMoreScoresGivesNoValues() {
    String two = CLASSIFIER.replace("\"num_labels\": 1", "\"num_labels\": 2");
    try (ModelFolder folder = RandomModel.of(two, 0.3, 6);
        Decoder policy = policy(DecoderOptions.frozen())) {
      assertThatThrownBy(() -> PolicyWithValues.load(policy, folder, DecoderOptions.frozen()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("values are the scores of a classifier of one label, this model has 2");
    }
  }

  private static void step(CausalModel model) {
    try (Pass pass = model.forward(rows(), READ, Mode.TRAIN, Adapter.ON)) {
      pass.backward(GRADIENTS, new FlatVector(model.layout().size()));
    }
  }

  private static ModelFolder classifier() {
    return RandomModel.of(CLASSIFIER, 0.3, 6);
  }

  private static Decoder policy(DecoderOptions options) {
    AdapterSource source =
        options.trained() == Trained.ADAPTER
            ? new AdapterSource.Fresh(LORA, 3)
            : new AdapterSource.None();
    try (ModelFolder folder = RandomModel.of(CAUSAL, 0.3, 5)) {
      return Decoder.load(folder, source, options);
    }
  }

  private static PolicyWithValues model(DecoderOptions options) {
    try (ModelFolder folder = classifier()) {
      return PolicyWithValues.load(policy(options), folder, options);
    }
  }
}
