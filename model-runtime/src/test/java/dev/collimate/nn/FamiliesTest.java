package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout.Parameter;
import dev.collimate.random.CounterRandom;
import dev.collimate.text.Sequence;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Random models of every family, and of every variant of it, against float64 arithmetic. */
class FamiliesTest {

  private static final int[] IDS = {1, 17, 5, 33, 8, 21, 2, 40, 13, 9, 30};
  private static final long SEED = 7;
  private static final String SIZES =
      """
      "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
      "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 41,
      "max_position_embeddings": 64, "hidden_act": "silu", "rms_norm_eps": 1e-5
      """;

  static Stream<Arguments> models() {
    return Stream.of(
        named("llama", "LlamaForCausalLM", "llama", ""),
        named(
            "llama, biases everywhere",
            "LlamaForCausalLM",
            "llama",
            ", \"attention_bias\": true, \"mlp_bias\": true"),
        named(
            "llama, wide heads, linear rope",
            "LlamaForCausalLM",
            "llama",
            ", \"head_dim\": 16, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.5}"),
        named(
            "llama, llama3 rope, tied",
            "LlamaForCausalLM",
            "llama",
            """
            , "tie_word_embeddings": true, "rope_theta": 50.0, "rope_scaling": {"rope_type": "llama3",
            "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32}
            """),
        named("mistral, window 4", "MistralForCausalLM", "mistral", ", \"sliding_window\": 4"),
        named(
            "qwen2, window in layer 1",
            "Qwen2ForCausalLM",
            "qwen2",
            ", \"use_sliding_window\": true, \"sliding_window\": 3, \"max_window_layers\": 1"),
        named("qwen3", "Qwen3ForCausalLM", "qwen3", ", \"head_dim\": 12"),
        Arguments.of(
            "gpt2",
            """
            {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": 32, "n_head": 4,
             "n_layer": 2, "n_positions": 64, "vocab_size": 41, "activation_function": "gelu_new",
             "layer_norm_epsilon": 1e-5, "scale_attn_by_inverse_layer_idx": true}
            """));
  }

  private static Arguments named(String name, String architecture, String type, String more) {
    return Arguments.of(
        name,
        "{\"architectures\": [\"%s\"], \"model_type\": \"%s\", %s %s}"
            .formatted(architecture, type, SIZES, more));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("models")
  void logitsAreThoseOfFloat64Arithmetic(String name, String config) {
    Engine.start(1, ComputeDevice.cpu());
    try (ModelFolder model = RandomModel.of(config, 0.4, SEED);
        Decoder decoder = Decoder.load(model, DecoderOptions.frozen())) {
      double[][] expected = new DoubleDecoder(model).logits(IDS);
      boolean[] valid = new boolean[IDS.length];
      int[] positions = new int[IDS.length];
      for (int t = 0; t < IDS.length; t++) {
        valid[t] = true;
        positions[t] = t;
      }
      float[] logits =
          decoder.logits(
              new int[][] {IDS}, new boolean[][] {valid}, new int[][] {positions}, Adapter.ON);
      for (int i = 0; i < logits.length; i++) {
        assertThat((double) logits[i])
            .as("%s, entry %d", name, i)
            .isCloseTo(expected[i / 41][i % 41], within(2e-4));
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("models")
  void gradientsAreFiniteDifferencesOfFloat64Arithmetic(String name, String config) {
    Engine.start(1, ComputeDevice.cpu());
    try (ModelFolder model = RandomModel.of(config, 0.4, SEED);
        Decoder decoder = Decoder.load(model, DecoderOptions.training(Trained.ALL_WEIGHTS))) {
      byte[] counts = new byte[IDS.length];
      Arrays.fill(counts, 1, counts.length, (byte) 1);
      FlatVector gradient = new FlatVector(decoder.layout().size());
      try (CausalModel.Pass pass =
          decoder.forward(
              List.of(new Sequence(IDS, 1, counts)), Set.of(), Mode.TRAIN, Adapter.ON)) {
        float[][] ones = pass.values(Quantity.LOG_PROB);
        assertThat(ModelFixtureTest.sum(ones[0]))
            .isCloseTo(new DoubleDecoder(model).logProb(IDS), within(2e-3));
        Arrays.fill(ones[0], 1);
        pass.backward(ones, gradient);
      }
      checkDirections(name, model, decoder, gradient);
    }
  }

  /** One random direction per parameter. */
  private static void checkDirections(
      String name, ModelFolder model, Decoder decoder, FlatVector gradient) {
    DoubleDecoder exact = new DoubleDecoder(model);
    double step = 1e-5;
    long offset = 0;
    for (Parameter parameter : decoder.layout().parameters()) {
      CounterRandom random = CounterRandom.of(SEED, parameter.name() + " direction");
      double[] weight = exact.weight(parameter.name());
      double[] before = weight.clone();
      double predicted = 0;
      double[] sides = new double[2];
      for (int side = 0; side < 2; side++) {
        for (int i = 0; i < weight.length; i++) {
          double direction = 2 * random.uniform(i) - 1;
          weight[i] = before[i] + (side == 0 ? step : -step) * direction;
          predicted += side * direction * gradient.get(offset + i);
        }
        sides[side] = exact.logProb(IDS);
      }
      System.arraycopy(before, 0, weight, 0, before.length);
      double slope = (sides[0] - sides[1]) / (2 * step);
      assertThat(predicted)
          .as("%s, %s", name, parameter.name())
          .isCloseTo(slope, within(2e-3 * Math.max(1, Math.abs(slope))));
      offset += weight.length;
    }
  }
}
