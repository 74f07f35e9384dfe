package dev.collimate.nn;

import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.generate.Generator;
import dev.collimate.generate.SamplingParams;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.DecoderOptions.Recomputation;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.parameters.FlatVector;
import dev.collimate.random.CounterRandom;
import dev.collimate.text.Sequence;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Prints how fast the decoder is beside the floor that matrix products of the same library and
 * threads set. Arguments: threads (default 1). {@link PrefixSharingSpeed} measures what shared
 * prompts save.
 */
final class DecoderSpeed {

  private static final int REPEATS = 5;

  /** About the shape of a micro-batch of conf/gsm8k. */
  private static final Size SMALL = new Size(6, 192, 576, 6, 2048, 8, 192);

  private static final Size LARGE = new Size(6, 512, 1408, 8, 8192, 4, 256);

  /** A decoder and a micro-batch [batch, seq]. */
  private record Size(
      int layers, int hidden, int intermediate, int heads, int vocab, int batch, int seq) {

    int tokens() {
      return batch * seq;
    }

    /** Of a forward and a backward pass: 6 a token and weight, as RandomModel's Llama has them. */
    double flops() {
      double products = layers * (3.0 * hidden * hidden + 3.0 * hidden * intermediate);
      double attention = layers * 2.0 * hidden * seq / 2;
      return 6.0 * tokens() * (products + (double) hidden * vocab + attention);
    }
  }

  private DecoderSpeed() {}

  public static void main(String[] arguments) {
    int threads = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 1;
    Engine.start(threads, ComputeDevice.cpu());
    double peak = productFlops();
    System.out.printf("the faster is the floor, on %d threads%n", threads);
    productsByWidth();
    for (Precision precision : Precision.values()) {
      step(SMALL, precision, Recomputation.NONE, peak);
      step(LARGE, precision, Recomputation.NONE, peak);
    }
    step(LARGE, Precision.FLOAT32, Recomputation.LAYERS, peak);
    quickStart();
    generation();
  }

  /** Products of 2048 x 2048 matrices, by the faster of libtorch's two libraries. */
  private static double productFlops() {
    try (PtNDManager manager = Engine.current().newManager()) {
      PtNDArray a = (PtNDArray) manager.ones(new Shape(2048, 2048));
      PtNDArray b = (PtNDArray) manager.ones(new Shape(2048, 2048));
      double flops = 2.0 * 2048 * 2048 * 2048;
      double mkl = flops / best(() -> a.matMul(b).close());
      Kernels kernels = Engine.current().kernels();
      double oneDnn = flops / best(() -> kernels.call(manager, "logits", a, b, false).close());
      System.out.printf(
          "float32 products of 2048: MKL %.1f, oneDNN %.1f GFLOP/s%n", mkl / 1e9, oneDnn / 1e9);
      return Math.max(mkl, oneDnn);
    }
  }

  /** Where oneDNN begins to pay, its copies into and out of its layout included. */
  private static void productsByWidth() {
    try (PtNDManager manager = Engine.current().newManager()) {
      Kernels kernels = Engine.current().kernels();
      for (int rows : new int[] {64, 256, 1024}) {
        for (int in : new int[] {64, 128, 192, 256, 384, 512, 768, 1024}) {
          for (int out : new int[] {in, 3 * in}) {
            try (PtNDArray x = (PtNDArray) manager.ones(new Shape(rows, in));
                PtNDArray weight = (PtNDArray) manager.ones(new Shape(out, in));
                PtNDArray turned = weight.transpose()) {
              double mkl = best(() -> x.matMul(turned).close());
              double oneDnn = best(() -> kernels.call(manager, "logits", x, weight, false).close());
              System.out.printf(
                  "float32 product, %d rows, %d to %d: oneDNN %.2f times as fast as MKL%n",
                  rows, in, out, mkl / oneDnn);
            }
          }
        }
      }
    }
  }

  /** Every token but the first is counted. */
  private static void step(
      Size size, Precision precision, Recomputation recomputation, double peak) {
    DecoderOptions options = new DecoderOptions(precision, recomputation, Trained.ALL_WEIGHTS);
    try (ModelFolder folder =
            RandomModel.of(
                RandomModel.llama(
                    size.layers, size.hidden, size.intermediate, size.heads, size.vocab),
                0.04,
                1);
        Decoder decoder = Decoder.load(folder, options)) {
      List<Sequence> sequences =
          IntStream.range(0, size.batch)
              .mapToObj(i -> sequence(i, size.seq, 1, size.vocab))
              .toList();
      double seconds = best(trainStep(decoder, sequences));
      System.out.printf(
          "forward + backward of %s, %s, recomputation %s: %.3f s, %.0f tokens/s, %.0f %% of the products' speed%n",
          size,
          precision,
          recomputation,
          seconds,
          size.tokens() / seconds,
          100 * size.flops() / seconds / peak);
    }
  }

  /** 4 layers, hidden 112: about 0.6 million parameters; 8 pairs of about 24 tokens. */
  private static void quickStart() {
    try (ModelFolder folder = RandomModel.of(RandomModel.llama(4, 112, 304, 4, 300), 0.1, 1);
        Decoder decoder = Decoder.load(folder, DecoderOptions.training(Trained.ALL_WEIGHTS))) {
      List<Sequence> sequences =
          IntStream.range(0, 16).mapToObj(i -> sequence(i, 20 + i / 2, 10, 300)).toList();
      FlatVector values = new FlatVector(decoder.layout().size());
      double forward =
          best(() -> decoder.forward(sequences, Set.of(), Mode.EVALUATE, Adapter.ON).close());
      System.out.printf(
          "quick start micro-batch (%d parameters, 16 x ~24): forward %.1f ms, forward + backward %.1f ms, load %.1f ms%n",
          decoder.layout().size(),
          1e3 * forward,
          1e3 * best(trainStep(decoder, sequences)),
          1e3 * best(() -> decoder.load(values)));
    }
  }

  private static void generation() {
    try (ModelFolder folder = RandomModel.of(RandomModel.llama(4, 112, 304, 4, 300), 0.1, 1);
        Decoder decoder = Decoder.load(folder, DecoderOptions.frozen())) {
      for (int batch : new int[] {1, 32, 64}) {
        List<int[]> prompts = new ArrayList<>();
        for (int i = 0; i < batch; i++) {
          prompts.add(sequence(i, 12 + i % 4, 1, 300).ids());
        }
        List<Long> seeds = LongStream.range(0, batch).boxed().toList();
        Generator generator = new Generator(decoder, new int[] {2});
        for (double temperature : new double[] {0, 1}) {
          SamplingParams params = new SamplingParams(24, temperature, 0, 1, 1, true);
          double seconds = best(() -> generator.generate(prompts, seeds, params));
          System.out.printf(
              "generation, batch %d, 24 tokens, temperature %.0f: %.1f ms, %.0f tokens/s%n",
              batch, temperature, 1e3 * seconds, batch * 24 / seconds);
        }
      }
    }
  }

  private static Runnable trainStep(Decoder decoder, List<Sequence> sequences) {
    FlatVector gradient = new FlatVector(decoder.layout().size());
    return () -> {
      try (CausalModel.Pass pass = decoder.forward(sequences, Set.of(), Mode.TRAIN, Adapter.ON)) {
        float[][] g = pass.values(Quantity.LOG_PROB);
        for (float[] row : g) {
          Arrays.fill(row, -1f / row.length);
        }
        pass.backward(g, gradient);
      }
    };
  }

  private static Sequence sequence(int row, int length, int prompt, int vocab) {
    int[] ids = new int[length];
    byte[] counts = new byte[length];
    for (int t = 0; t < length; t++) {
      ids[t] = (int) (CounterRandom.of(row, "ids").uniform(t) * vocab);
      counts[t] = (byte) (t >= prompt ? 1 : 0);
    }
    return new Sequence(ids, prompt, counts);
  }

  /**
   * Seconds of the fastest repeat: with one thread its processor time, which other work on the
   * machine disturbs least, else wall time.
   */
  private static double best(Runnable work) {
    ThreadMXBean clock = ManagementFactory.getThreadMXBean();
    boolean isSingle = Engine.current().threads() == 1;
    double best = Double.POSITIVE_INFINITY;
    for (int i = 0; i < REPEATS + 2; i++) {
      long start = isSingle ? clock.getCurrentThreadCpuTime() : System.nanoTime();
      work.run();
      long end = isSingle ? clock.getCurrentThreadCpuTime() : System.nanoTime();
      best = i < 2 ? best : Math.min(best, (end - start) / 1e9);
    }
    return best;
  }
}
