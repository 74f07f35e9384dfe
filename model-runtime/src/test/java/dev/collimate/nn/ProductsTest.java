package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import dev.collimate.checkpoint.AdapterConfig;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.TargetModules;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout.Parameter;
import dev.collimate.random.CounterRandom;
import dev.collimate.text.Sequence;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Large products go to oneDNN, which computes wrong numbers for some shapes; held against plain
 * matrix products.
 */
class ProductsTest {

  @BeforeAll
  static void start() {
    Engine.start(1, ComputeDevice.cpu());
  }

  @ParameterizedTest(name = "{0} rows, {1} -> {2}")
  @CsvSource({
    "63, 64, 64", "2047, 64, 64", "2048, 64, 64", "2049, 128, 64", "200, 192, 576",
    "129, 576, 192", "1000, 64, 320", "97, 448, 1024", "2000, 48, 128", "2000, 128, 48",
    "2000, 64, 100", "5300, 16, 100", "1000, 112, 304", "1001, 304, 112", "77, 304, 112"
  })
  void productsAndTheirGradientsAreThoseOfPlainMatrices(int rows, int in, int out) {
    try (PtNDManager manager = Engine.current().newManager()) {
      Kernels kernels = Engine.current().kernels();
      PtNDArray h = numbers(manager, "h", rows, in);
      PtNDArray weight = numbers(manager, "weight", out, in);
      PtNDArray g = (PtNDArray) numbers(manager, "g", rows, 1).reshape(rows);
      PtNDArray targets = targets(manager, rows, out);

      NDArray logits = h.matMul(weight.transpose());
      assertNear(kernels.call(manager, "logits", h, weight, false), logits);

      NDArray every = logits.logSoftmax(1);
      NDArray column = g.reshape(rows, 1);
      NDArray oneHot = targets.oneHot(out).toType(DataType.FLOAT32, false);
      NDArray ofLogits = oneHot.sub(every.exp()).mul(column);
      List<PtNDArray> gradients =
          kernels.callForList(
              manager, "head_vjp", h, weight, targets, (PtNDArray) every, List.of(g), true, false);
      assertNear(gradients.get(0), ofLogits.matMul(weight));
      assertNear(gradients.get(1), ofLogits.transpose().matMul(h));
    }
  }

  /** Its weights are stored [in, out]; long rows go to oneDNN, short ones do not. */
  @Test
  void gpt2ReadsTheStartOfALongRowAsItReadsItAlone() {
    String config =
        """
        {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": 256, "n_head": 4,
         "n_layer": 2, "n_positions": 128, "vocab_size": 192}
        """;
    int[] ids = IntStream.range(0, 100).map(i -> i * 37 % 192).toArray();
    try (ModelFolder folder = RandomModel.of(config, 0.1, 1);
        Decoder decoder = Decoder.load(folder, DecoderOptions.frozen())) {
      float[] inLong = logProbs(decoder, ids);
      float[] alone = logProbs(decoder, Arrays.copyOf(ids, 20));
      assertThat(Arrays.copyOf(inLong, alone.length)).containsExactly(alone, within(1e-5f));
    }
  }

  /**
   * Four rows of 40 tokens go to oneDNN forwards and backwards, in every product of the layer and
   * in the head; one row alone goes to MKL.
   */
  @ParameterizedTest(name = "{0}, {1}")
  @CsvSource({"gpt2, ALL_WEIGHTS", "gpt2, ADAPTER", "llama, ALL_WEIGHTS", "llama, ADAPTER"})
  void theGradientOfABatchIsTheSumOfItsRows(String family, DecoderOptions.Trained trained) {
    List<Sequence> rows = IntStream.range(0, 4).mapToObj(ProductsTest::row).toList();
    try (ModelFolder folder = RandomModel.of(oneLayer(family), 0.1, 1);
        Decoder decoder =
            Decoder.load(folder, adapter(trained), DecoderOptions.training(trained))) {
      if (trained == DecoderOptions.Trained.ADAPTER) {
        decoder.load(random(decoder.layout().size()));
      }
      FlatVector expected = new FlatVector(decoder.layout().size());
      rows.forEach(row -> expected.add(gradient(decoder, List.of(row))));
      FlatVector actual = gradient(decoder, rows);
      long offset = 0;
      for (Parameter parameter : decoder.layout().parameters()) {
        float largest = 0;
        float difference = 0;
        for (long i = offset; i < offset + parameter.size(); i++) {
          largest = Math.max(largest, Math.abs(expected.get(i)));
          difference = Math.max(difference, Math.abs(actual.get(i) - expected.get(i)));
        }
        assertThat(difference).as(parameter.name()).isLessThan(2e-5f * largest);
        offset += parameter.size();
      }
    }
  }

  /** GPT-2's weights are stored [in, out] and have biases, Llama's [out, in] and none. */
  private static String oneLayer(String family) {
    return family.equals("llama")
        ? RandomModel.llama(1, 256, 256, 4, 256)
        : """
          {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": 256, "n_head": 4,
           "n_layer": 1, "n_inner": 256, "n_positions": 128, "vocab_size": 256}
          """;
  }

  private static AdapterSource adapter(DecoderOptions.Trained trained) {
    return trained == DecoderOptions.Trained.ADAPTER
        ? new AdapterSource.Fresh(
            new AdapterConfig(4, 8, 0, new TargetModules.AllLinear(), false, ""), 3)
        : new AdapterSource.None();
  }

  private static Sequence row(int row) {
    byte[] counted = new byte[40];
    Arrays.fill(counted, 1, counted.length, (byte) 1);
    return new Sequence(
        IntStream.range(0, 40).map(t -> (t * 37 + row * 11) % 256).toArray(), 1, counted);
  }

  private static FlatVector random(long size) {
    FlatVector vector = new FlatVector(size);
    for (long i = 0; i < size; i++) {
      vector.set(i, (float) (0.2 * CounterRandom.of(1, "factors").uniform(i) - 0.1));
    }
    return vector;
  }

  /** Gradient of the sum of all log-probabilities. */
  private static FlatVector gradient(Decoder decoder, List<Sequence> rows) {
    FlatVector gradient = new FlatVector(decoder.layout().size());
    try (CausalModel.Pass pass =
        decoder.forward(rows, Set.of(), CausalModel.Mode.TRAIN, CausalModel.Adapter.ON)) {
      float[][] ones = pass.values(Quantity.LOG_PROB);
      Arrays.stream(ones).forEach(row -> Arrays.fill(row, 1));
      pass.backward(ones, gradient);
    }
    return gradient;
  }

  private static float[] logProbs(Decoder decoder, int[] ids) {
    byte[] counted = new byte[ids.length];
    Arrays.fill(counted, 1, ids.length, (byte) 1);
    List<Sequence> sequences = List.of(new Sequence(ids, 1, counted));
    try (CausalModel.Pass pass =
        decoder.forward(sequences, Set.of(), CausalModel.Mode.EVALUATE, CausalModel.Adapter.ON)) {
      return pass.values(Quantity.LOG_PROB)[0];
    }
  }

  private static PtNDArray targets(NDManager manager, int rows, int out) {
    long[] targets = new long[rows];
    for (int i = 0; i < rows; i++) {
      targets[i] = (i * 7L) % out;
    }
    return (PtNDArray) manager.create(targets, new Shape(rows));
  }

  private static PtNDArray numbers(NDManager manager, String name, int rows, int columns) {
    CounterRandom random = CounterRandom.of(1, name);
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (2 * random.uniform(i) - 1);
    }
    return (PtNDArray) manager.create(values, new Shape(rows, columns));
  }

  private static void assertNear(NDArray actual, NDArray expected) {
    float largest = expected.abs().max().getFloat();
    assertThat(actual.sub(expected).abs().max().getFloat()).isLessThan(1e-5f * largest);
  }
}
