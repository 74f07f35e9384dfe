package dev.collimate.nn;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.Fixtures;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.learn.LearnRow;
import dev.collimate.learn.Learner;
import dev.collimate.learn.StepContext;
import dev.collimate.nn.DecoderOptions.Sharing;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.objective.Objectives;
import dev.collimate.objective.RowFacts;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.objective.StepTotals;
import dev.collimate.parameters.FlatVector;
import dev.collimate.random.CounterRandom;
import dev.collimate.text.Example;
import dev.collimate.text.ExamplePreparer;
import dev.collimate.text.Prepared;
import dev.collimate.text.PreparerConfig;
import dev.collimate.text.RowShape;
import dev.collimate.text.Sequence;
import dev.collimate.text.Tokenizer;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToIntFunction;

/**
 * Prints how much faster DPO's gradients are with the prompt of a pair computed once, beside what
 * the numbers of tokens allow. Both ways alternate in one process. Arguments: threads (default 1),
 * then a preference file of JSON lines in place of GSM8K's below {@code COLLIMATE_DATA}.
 */
final class PrefixSharingSpeed {

  private static final int WARM_UP = 2;
  private static final int ROUNDS = 12;
  private static final int VOCAB = 2048;

  /** Rows that are sorted by length and cut into micro-batches. */
  private static final int BATCH = 16;

  /** As in conf/gsm8k. */
  private static final int MICRO_BATCH = 4;

  private PrefixSharingSpeed() {}

  public static void main(String[] arguments) throws IOException {
    int threads = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 1;
    Engine.start(threads, ComputeDevice.cpu());
    Path file =
        arguments.length > 1
            ? Path.of(arguments[1])
            : Path.of(System.getenv("COLLIMATE_DATA"), "gsm8k", "preference-train.jsonl");
    compare("GSM8K, " + BATCH + " pairs", gsm8k(file));
    compare("P 512, C 64, R 64, 4 pairs", random(4, 512, 64, 64));
    compare("P 512, C 64, R 64, 1 pair", random(1, 512, 64, 64));
    compare("P 64, C 512, R 512, 4 pairs", random(4, 64, 512, 512));
  }

  /** One way to compute. */
  private static final class Arm {
    final Learner learner;
    final FlatVector gradient;
    final List<List<LearnRow>> microBatches = new ArrayList<>();

    Arm(Decoder decoder, List<Example> rows, ToIntFunction<Example> length) {
      learner = new Learner(decoder, Objectives.create("dpo", Map.of()));
      gradient = new FlatVector(learner.layout().size());
      List<Example> sorted =
          rows.stream().sorted(Comparator.comparingInt(length).reversed()).toList();
      for (int from = 0; from < sorted.size(); from += MICRO_BATCH) {
        microBatches.add(
            sorted.subList(from, Math.min(sorted.size(), from + MICRO_BATCH)).stream()
                .map(row -> new LearnRow(row, reference()))
                .toList());
      }
    }

    private static Reference reference() {
      return new Reference(Map.of("chosen", -60.0, "rejected", -60.0), Map.of());
    }

    void step(StepContext context) {
      microBatches.forEach(rows -> learner.gradient(context, rows, gradient));
    }
  }

  private static void compare(String name, List<Example> rows) {
    String config =
        RandomModel.llama(6, 192, 576, 6, VOCAB)
            .replace("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true");
    DecoderOptions options = DecoderOptions.training(Trained.ALL_WEIGHTS);
    try (ModelFolder folder = RandomModel.of(config, 0.04, 1);
        Decoder alone = Decoder.load(folder, options);
        Decoder sharing = Decoder.load(folder, options.withSharing(Sharing.PREFIXES))) {
      Arm padded = new Arm(alone, rows, PrefixSharingSpeed::longest);
      Arm shared = new Arm(sharing, rows, PrefixSharingSpeed::together);
      StepTotals totals = StepTotals.of(rows.stream().map(RowFacts::of).toList());
      StepContext context = new StepContext(1, totals, new double[0]);
      double[] without = new double[ROUNDS];
      double[] with = new double[ROUNDS];
      double[] ratios = new double[ROUNDS];
      for (int round = -WARM_UP; round < ROUNDS; round++) {
        double first = seconds(() -> padded.step(context));
        double second = seconds(() -> shared.step(context));
        if (round >= 0) {
          without[round] = first;
          with[round] = second;
          ratios[round] = first / second;
        }
      }
      print(name, alone.layout().size(), padded, shared, rows);
      double allowed = (double) paddedTokens(padded) / tokens(rows);
      Arrays.sort(ratios);
      System.out.printf(
          "  without %.3f s, with %.3f s (medians of %d); ratio %.3f (%.3f to %.3f), %.0f %% of what tokens allow%n",
          median(without),
          median(with),
          ROUNDS,
          median(ratios),
          ratios[0],
          ratios[ROUNDS - 1],
          100 * median(ratios) / allowed);
    }
  }

  private static void print(
      String name, long parameters, Arm padded, Arm shared, List<Example> rows) {
    long alone =
        rows.stream()
            .flatMap(row -> row.sequences().values().stream())
            .mapToLong(Sequence::length)
            .sum();
    System.out.printf(
        "%s, %d parameters, %d micro-batches: %d tokens without sharing, %d with padding; %d shared%n",
        name, parameters, shared.microBatches.size(), alone, paddedTokens(padded), tokens(rows));
    System.out.printf(
        "  token ratio %.3f, without padding %.3f%n",
        (double) paddedTokens(padded) / tokens(rows), (double) alone / tokens(rows));
  }

  private static long paddedTokens(Arm arm) {
    return arm.microBatches.stream()
        .mapToLong(
            rows ->
                2L
                    * rows.size()
                    * rows.stream().mapToInt(row -> longest(row.example())).max().orElseThrow())
        .sum();
  }

  private static long tokens(List<Example> rows) {
    return rows.stream().mapToLong(PrefixSharingSpeed::together).sum();
  }

  private static int longest(Example row) {
    return row.sequences().values().stream().mapToInt(Sequence::length).max().orElseThrow();
  }

  private static int together(Example row) {
    return PackedRows.of(List.of(List.copyOf(row.sequences().values()))).ids().length;
  }

  private static List<Example> gsm8k(Path file) throws IOException {
    try (Tokenizer tokenizer = Fixtures.tokenizer("gsm8k-bpe-2k")) {
      LocalDateTime time = LocalDateTime.parse("2025-01-15T12:00:00");
      ExamplePreparer preparer =
          new ExamplePreparer(
              Optional.of(tokenizer), PreparerConfig.defaults(RowShape.PREFERENCE, time));
      ObjectMapper json = new ObjectMapper();
      List<Example> rows = new ArrayList<>();
      for (String line : Files.readAllLines(file).subList(0, BATCH)) {
        Map<String, Object> row = json.readValue(line, new TypeReference<>() {});
        if (preparer.prepare(row) instanceof Prepared.Ready ready) {
          rows.add(ready.example());
        }
      }
      return rows;
    }
  }

  private static List<Example> random(int rows, int prompt, int chosen, int rejected) {
    List<Example> examples = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      CounterRandom random = CounterRandom.of(row, "ids");
      Map<String, Sequence> sides =
          Map.of(
              "chosen", sequence(random, prompt, chosen, 0),
              "rejected", sequence(random, prompt, rejected, 10_000));
      examples.add(new Example("row " + row, "", 1, sides, Map.of()));
    }
    return examples;
  }

  private static Sequence sequence(CounterRandom random, int prompt, int completion, int offset) {
    int[] ids = new int[prompt + completion];
    byte[] counts = new byte[ids.length];
    for (int t = 0; t < ids.length; t++) {
      ids[t] = (int) (random.uniform(t < prompt ? t : t + offset) * VOCAB);
      counts[t] = (byte) (t < prompt ? 0 : 1);
    }
    return new Sequence(ids, prompt, counts);
  }

  /** Processor time with one thread, which other work on the machine disturbs least. */
  private static double seconds(Runnable work) {
    ThreadMXBean clock = ManagementFactory.getThreadMXBean();
    boolean isSingle = Engine.current().threads() == 1;
    long start = isSingle ? clock.getCurrentThreadCpuTime() : System.nanoTime();
    work.run();
    long end = isSingle ? clock.getCurrentThreadCpuTime() : System.nanoTime();
    return (end - start) / 1e9;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }
}
