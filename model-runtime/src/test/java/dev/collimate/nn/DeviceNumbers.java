package dev.collimate.nn;

import dev.collimate.checkpoint.AdapterConfig;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.TargetModules;
import dev.collimate.generate.Completion;
import dev.collimate.generate.Generator;
import dev.collimate.generate.SamplingParams;
import dev.collimate.learn.AdamW;
import dev.collimate.learn.AdamWConfig;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.CausalModel.Pass;
import dev.collimate.nn.DecoderOptions.Recomputation;
import dev.collimate.nn.DecoderOptions.Sharing;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.parameters.FlatVector;
import dev.collimate.random.CounterRandom;
import dev.collimate.text.Sequence;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What random models of every family give on one device: every quantity, gradients, parameters
 * after a step of AdamW and the next loss, tokens of generation. A JVM has one device, so a
 * comparison takes two of them. Arguments: cpu or gpu, the file to write.
 */
final class DeviceNumbers {

  private static final long SEED = 7;

  /** What a model alone gives for its tokens, without a head of values or a reference beside it. */
  private static final Set<Quantity> OF_TOKENS =
      EnumSet.of(
          Quantity.LOG_PROB,
          Quantity.MEAN_LOGIT,
          Quantity.ENTROPY,
          Quantity.TOP1,
          Quantity.LOG_SUM_SQUARES,
          Quantity.LAST_HIDDEN);

  /** An epsilon above the rounding of gradients that are zero but for it, whose sign is chance. */
  private static final AdamWConfig SMOOTH = new AdamWConfig(0.9, 0.999, 1e-2, 0.0);

  private static final List<int[]> PROMPTS =
      List.of(new int[] {1, 17, 5}, new int[] {8}, new int[] {33, 2, 40, 13, 9, 30});

  private final Map<String, float[]> numbers = new LinkedHashMap<>();

  private DeviceNumbers() {}

  public static void main(String[] arguments) throws IOException {
    ComputeDevice device = arguments[0].equals("cpu") ? ComputeDevice.cpu() : ComputeDevice.gpu(0);
    Engine.start(1, device);
    Files.writeString(Path.of(arguments[1]), text(take()));
    System.out.println(Numerics.take().facts());
  }

  /** Every number by what it is, computed on this JVM's device. */
  static Map<String, float[]> take() {
    DeviceNumbers taken = new DeviceNumbers();
    FamiliesTest.models()
        .forEach(
            model -> {
              String name = (String) model.get()[0];
              String config = (String) model.get()[1];
              try (ModelFolder folder = RandomModel.of(config, 0.4, SEED)) {
                for (Precision precision : Precision.values()) {
                  taken.ofModel(name + ", " + precision, folder, precision);
                }
              }
            });
    taken.ofLongRows();
    return taken.numbers;
  }

  static String text(Map<String, float[]> numbers) {
    return numbers.entrySet().stream()
        .map(
            entry ->
                entry.getKey()
                    + "\t"
                    + IntStream.range(0, entry.getValue().length)
                        .mapToObj(i -> Float.toString(entry.getValue()[i]))
                        .collect(Collectors.joining(" "))
                    + "\n")
        .collect(Collectors.joining());
  }

  static Map<String, float[]> parse(String text) {
    Map<String, float[]> numbers = new LinkedHashMap<>();
    for (String line : text.lines().toList()) {
      String[] parts = line.split("\t", 2);
      double[] values =
          Arrays.stream(parts[1].split(" ")).mapToDouble(Double::parseDouble).toArray();
      float[] narrow = new float[values.length];
      for (int i = 0; i < narrow.length; i++) {
        narrow[i] = (float) values[i];
      }
      numbers.put(parts[0], narrow);
    }
    return numbers;
  }

  private void ofModel(String name, ModelFolder folder, Precision precision) {
    DecoderOptions all = new DecoderOptions(precision, Recomputation.NONE, Trained.ALL_WEIGHTS);
    DecoderOptions layers =
        new DecoderOptions(precision, Recomputation.LAYERS, Trained.ALL_WEIGHTS);
    try (Decoder decoder = Decoder.load(folder, all)) {
      FlatVector gradient = step(name, decoder);
      afterAdamW(name, decoder, gradient);
    }
    try (Decoder decoder = Decoder.load(folder, layers)) {
      step(name + ", recomputed", decoder);
    }
    try (Decoder decoder = Decoder.load(folder, all.withSharing(Sharing.PREFIXES))) {
      step(name + ", shared prefixes", decoder);
    }
    AdapterConfig lora = new AdapterConfig(4, 8, 0, new TargetModules.AllLinear(), false, "");
    DecoderOptions adapter = new DecoderOptions(precision, Recomputation.NONE, Trained.ADAPTER);
    try (Decoder decoder = Decoder.load(folder, new AdapterSource.Fresh(lora, SEED), adapter)) {
      FlatVector numbersOfAdapter = new FlatVector(decoder.layout().size());
      CounterRandom random = CounterRandom.of(SEED, "adapter");
      for (long i = 0; i < numbersOfAdapter.size(); i++) {
        numbersOfAdapter.set(i, (float) (0.4 * random.uniform(i) - 0.2));
      }
      decoder.load(numbersOfAdapter);
      step(name + ", adapter", decoder);
    }
    try (Decoder decoder =
        Decoder.load(folder, new DecoderOptions(precision, Recomputation.NONE, Trained.NONE))) {
      generate(name, decoder);
    }
  }

  /** Long enough that blocked kernels take part, wide enough for several attention kernels. */
  private void ofLongRows() {
    String config = RandomModel.llama(/* layers= */ 2, 128, 320, /* heads= */ 2, /* vocab= */ 512);
    for (Precision precision : Precision.values()) {
      DecoderOptions options =
          new DecoderOptions(precision, Recomputation.NONE, Trained.ALL_WEIGHTS);
      try (ModelFolder folder = RandomModel.of(config, 0.1, SEED);
          Decoder decoder = Decoder.load(folder, options)) {
        List<Sequence> rows =
            IntStream.range(0, 4).mapToObj(i -> sequence(i, 100 + 57 * i, 20, 512)).toList();
        gradient("long rows, " + precision, decoder, rows.stream().map(List::of).toList());
      }
    }
  }

  private FlatVector step(String name, Decoder decoder) {
    List<List<Sequence>> rows = new ArrayList<>();
    for (int row = 0; row < 3; row++) {
      Sequence one = sequence(row, 9 + 2 * row, 4, 41);
      int[] other = one.ids().clone();
      for (int t = 6; t < other.length; t++) {
        other[t] = (other[t] + 3 * t) % 41;
      }
      rows.add(List.of(one, new Sequence(other, 4, one.lossMask())));
    }
    return gradient(name, decoder, rows);
  }

  private FlatVector gradient(String name, Decoder decoder, List<List<Sequence>> rows) {
    FlatVector gradient = new FlatVector(decoder.layout().size());
    try (Pass pass = decoder.forwardRows(rows, OF_TOKENS, Mode.TRAIN, Adapter.ON)) {
      for (Quantity quantity : new TreeSet<>(OF_TOKENS)) {
        numbers.put(name + ", " + quantity, joined(pass.values(quantity)));
      }
      float[][] weights = pass.values(Quantity.LOG_PROB);
      for (float[] row : weights) {
        Arrays.fill(row, -1f / row.length);
      }
      pass.backward(weights, gradient);
    }
    numbers.put(name + ", gradient", values(gradient));
    return gradient;
  }

  private void afterAdamW(String name, Decoder decoder, FlatVector gradient) {
    FlatVector master = new FlatVector(decoder.layout().size());
    decoder.store(master);
    new AdamW(SMOOTH, decoder.layout()).step(master, gradient, 1e-3, 1, 1);
    decoder.load(master);
    FlatVector back = new FlatVector(master.size());
    decoder.store(back);
    if (!Arrays.equals(back.block(0), master.block(0))) {
      throw new IllegalStateException(name + ": the parameters that come back are others");
    }
    step(name + ", after AdamW", decoder);
  }

  private void generate(String name, Decoder decoder) {
    Generator generator = new Generator(decoder, new int[] {2});
    for (double temperature : new double[] {0, 1}) {
      SamplingParams params = new SamplingParams(20, temperature, 0, 1, 1, true);
      List<Completion> completions = generator.generate(PROMPTS, List.of(1L, 2L, 3L), params);
      for (int i = 0; i < completions.size(); i++) {
        String row = "%s, temperature %.0f, row %d".formatted(name, temperature, i);
        int[] ids = completions.get(i).ids();
        float[] asFloats = new float[ids.length];
        for (int t = 0; t < ids.length; t++) {
          asFloats[t] = ids[t];
        }
        numbers.put(row + ", tokens", asFloats);
        numbers.put(row + ", log-probabilities", completions.get(i).logProbs());
      }
    }
  }

  static Sequence sequence(int row, int length, int prompt, int vocab) {
    int[] ids = new int[length];
    byte[] counts = new byte[length];
    for (int t = 0; t < length; t++) {
      ids[t] = (int) (CounterRandom.of(row, "ids").uniform(t) * vocab);
      counts[t] = (byte) (t >= prompt ? 1 : 0);
    }
    return new Sequence(ids, prompt, counts);
  }

  private static float[] joined(float[][] parts) {
    double[] all =
        Arrays.stream(parts)
            .flatMapToDouble(part -> IntStream.range(0, part.length).mapToDouble(i -> part[i]))
            .toArray();
    float[] narrow = new float[all.length];
    for (int i = 0; i < narrow.length; i++) {
      narrow[i] = (float) all[i];
    }
    return narrow;
  }

  private static float[] values(FlatVector vector) {
    return joined(
        Stream.iterate(0, i -> i < vector.blockCount(), i -> i + 1)
            .map(vector::block)
            .toArray(float[][]::new));
  }
}
