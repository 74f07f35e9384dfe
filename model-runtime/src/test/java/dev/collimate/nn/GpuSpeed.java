package dev.collimate.nn;

import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import dev.collimate.checkpoint.AdapterConfig;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.TargetModules;
import dev.collimate.generate.Generator;
import dev.collimate.generate.SamplingParams;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.CausalModel.Pass;
import dev.collimate.nn.DecoderOptions.Recomputation;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.parameters.FlatVector;
import dev.collimate.text.Sequence;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Prints what a Llama of a real size does on a device: products, training, reference, generation,
 * copies; each the median of {@value #REPEATS} after two that do not count. Arguments: cpu or gpu,
 * then layers, hidden, intermediate, heads, vocab, batch, seq of each size, joined by commas.
 */
final class GpuSpeed {

  private static final int REPEATS = 7;

  private record Size(
      int layers, int hidden, int intermediate, int heads, int vocab, int batch, int seq) {

    static Size of(String text) {
      int[] parts = Arrays.stream(text.split(",")).mapToInt(Integer::parseInt).toArray();
      return new Size(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], parts[6]);
    }

    int tokens() {
      return batch * seq;
    }

    /** Of a forward pass, by products: 2 a token and weight. */
    double forwardFlops() {
      double products = layers * (3.0 * hidden * hidden + 3.0 * hidden * intermediate);
      double attention = layers * 2.0 * hidden * seq / 2;
      return 2.0 * tokens() * (products + (double) hidden * vocab + attention);
    }
  }

  private GpuSpeed() {}

  public static void main(String[] arguments) {
    Engine.start(
        Integer.getInteger("threads", 4),
        arguments[0].equals("cpu") ? ComputeDevice.cpu() : ComputeDevice.gpu(0));
    double float32Peak = productFlops(Integer.getInteger("product", 8192), false);
    double bfloat16Peak = productFlops(Integer.getInteger("product", 8192), true);
    for (int i = 1; i < arguments.length; i++) {
      Size size = Size.of(arguments[i]);
      try (ModelFolder folder =
          RandomModel.of(
              RandomModel.llama(
                  size.layers, size.hidden, size.intermediate, size.heads, size.vocab),
              0.04,
              1)) {
        DecoderOptions all = DecoderOptions.training(Trained.ALL_WEIGHTS);
        training(size, folder, all, float32Peak);
        training(
            size,
            folder,
            new DecoderOptions(Precision.BFLOAT16, Recomputation.NONE, Trained.ALL_WEIGHTS),
            bfloat16Peak);
        training(
            size,
            folder,
            new DecoderOptions(Precision.BFLOAT16, Recomputation.NONE, Trained.ADAPTER),
            bfloat16Peak);
        for (Precision precision : Precision.values()) {
          frozen(size, folder, precision);
        }
      }
    }
  }

  private static double productFlops(int n, boolean bfloat16) {
    try (PtNDManager manager = Engine.current().newManager()) {
      Kernels kernels = Engine.current().kernels();
      PtNDArray a = (PtNDArray) manager.randomNormal(new Shape(n, n));
      PtNDArray b = (PtNDArray) manager.randomNormal(new Shape(n, n));
      PtNDArray x = bfloat16 ? kernels.call(manager, "to_bfloat16", a) : a;
      PtNDArray weight = bfloat16 ? kernels.call(manager, "to_bfloat16", b) : b;
      int products = 20;
      double seconds =
          median(
              () -> {
                for (int i = 0; i < products; i++) {
                  PtNDArray y = kernels.call(manager, "logits", x, weight, bfloat16);
                  if (i == products - 1) {
                    y.get("0:1").toFloatArray();
                  }
                  y.close();
                }
              });
      double flops = products * 2.0 * n * n * n / seconds;
      print(
          "product of %d, %s: %.1f TFLOP/s".formatted(n, bfloat16 ? "bf16" : "f32", flops / 1e12));
      return flops;
    }
  }

  /** Every token but the first is counted. */
  private static void training(Size size, ModelFolder folder, DecoderOptions options, double peak) {
    AdapterSource source =
        options.trained() == Trained.ADAPTER
            ? new AdapterSource.Fresh(
                new AdapterConfig(16, 32, 0, new TargetModules.AllLinear(), false, ""), 1)
            : new AdapterSource.None();
    try (Decoder decoder = Decoder.load(folder, source, options)) {
      String what = "%s, %s, %s".formatted(size, options.precision(), options.trained());
      List<Sequence> sequences = sequences(size.batch, size.seq, size.vocab);
      FlatVector vector = new FlatVector(decoder.layout().size());
      double bytes = 4.0 * vector.size();
      double store = median(() -> decoder.store(vector));
      double load = median(() -> decoder.load(vector));
      double step =
          median(
              () -> {
                try (Pass pass = decoder.forward(sequences, Set.of(), Mode.TRAIN, Adapter.ON)) {
                  float[][] g = pass.values(Quantity.LOG_PROB);
                  for (float[] row : g) {
                    Arrays.fill(row, -1f / row.length);
                  }
                  pass.backward(g, vector);
                }
              });
      double forward =
          median(
              () -> {
                try (Pass pass = decoder.forward(sequences, Set.of(), Mode.TRAIN, Adapter.ON)) {
                  pass.values(Quantity.LOG_PROB);
                }
              });
      print(
          "%s, %.0f M parameters: forward + backward + gradient to Java %.4f s, %.0f tokens/s; without the copy %.0f tokens/s, %.0f %% of the products' speed by 6 FLOP a token and weight; forward %.4f s"
              .formatted(
                  what,
                  vector.size() / 1e6,
                  step,
                  size.tokens() / step,
                  size.tokens() / (step - store),
                  100 * 3 * size.forwardFlops() / (step - store) / peak,
                  forward));
      print(
          "%s: device to Java %.4f s, %.1f GB/s; Java to device %.4f s, %.1f GB/s"
              .formatted(what, store, bytes / store / 1e9, load, bytes / load / 1e9));
    }
  }

  private static void frozen(Size size, ModelFolder folder, Precision precision) {
    DecoderOptions options = new DecoderOptions(precision, Recomputation.NONE, Trained.NONE);
    try (Decoder decoder = Decoder.load(folder, options)) {
      List<Sequence> sequences = sequences(size.batch, size.seq, size.vocab);
      double forward =
          median(
              () -> {
                try (Pass pass = decoder.forward(sequences, Set.of(), Mode.EVALUATE, Adapter.ON)) {
                  pass.values(Quantity.LOG_PROB);
                }
              });
      print(
          "%s, %s: reference %.4f s, %.0f tokens/s"
              .formatted(size, precision, forward, size.tokens() / forward));
      int newTokens = Integer.getInteger("new", 64);
      for (int batch : new int[] {1, 32}) {
        List<int[]> prompts =
            sequences(batch, 128, size.vocab).stream().map(Sequence::ids).toList();
        List<Long> seeds = LongStream.range(0, batch).boxed().toList();
        Generator generator = new Generator(decoder, new int[] {2});
        for (double temperature : new double[] {0, 1}) {
          SamplingParams params = new SamplingParams(newTokens, temperature, 0, 1, 1, true);
          double seconds = median(() -> generator.generate(prompts, seeds, params));
          print(
              "%s, %s: generation, batch %d, prompt 128, %d tokens, temperature %.0f: %.4f s, %.0f tokens/s"
                  .formatted(
                      size,
                      precision,
                      batch,
                      newTokens,
                      temperature,
                      seconds,
                      batch * newTokens / seconds));
        }
      }
    }
  }

  private static List<Sequence> sequences(int batch, int seq, int vocab) {
    return IntStream.range(0, batch)
        .mapToObj(i -> DeviceNumbers.sequence(i, seq, 1, vocab))
        .toList();
  }

  private static double median(Runnable work) {
    double[] seconds = new double[REPEATS];
    for (int i = -2; i < REPEATS; i++) {
      long start = System.nanoTime();
      work.run();
      if (i >= 0) {
        seconds[i] = (System.nanoTime() - start) / 1e9;
      }
    }
    Arrays.sort(seconds);
    return seconds[REPEATS / 2];
  }

  private static void print(String line) {
    System.out.println(line);
    System.out.flush();
  }
}
