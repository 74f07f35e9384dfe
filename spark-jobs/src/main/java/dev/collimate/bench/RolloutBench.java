package dev.collimate.bench;

import dev.collimate.CollimateException;
import dev.collimate.generate.Generator;
import dev.collimate.generate.SamplingParams;
import dev.collimate.nn.Decoder;
import dev.collimate.nn.PeakProbe;
import dev.collimate.nn.Precision;
import dev.collimate.random.CounterRandom;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.commons.math3.stat.StatUtils;

/**
 * Times generation as rollouts do it, at temperature 1 and to full length, beside two floors of the
 * same machine and engine: reading what a step must read, and multiplying what it must multiply.
 * The arms take turns, each warm. Engine.start must have been called.
 */
public final class RolloutBench {

  /** Rows and columns of the matrices whose product is the floor of computing. */
  private static final int PRODUCT = 1024;

  private static final int[] LENGTHENED = {1, 2, 4};

  /**
   * What is measured.
   *
   * @param batches numbers of completions that are written at a time
   * @param prompt tokens of a prompt
   * @param completion tokens of a completion
   * @param samples completions of one prompt, where a prompt has several
   * @param runs of every arm
   */
  public record Options(List<Integer> batches, int prompt, int completion, int samples, int runs) {

    public Options {
      batches = List.copyOf(batches);
      require(!batches.isEmpty(), "--batch must name a number of completions");
      for (int batch : batches) {
        require(batch >= 1, "--batch must be >= 1, got " + batch);
      }
      require(prompt >= 1, "--prompt must be >= 1, got " + prompt);
      require(completion >= 2, "--completion must be >= 2, got " + completion);
      require(samples >= 2, "--samples must be >= 2, got " + samples);
      require(runs >= 1, "--runs must be >= 1, got " + runs);
    }

    private static void require(boolean holds, String otherwise) {
      if (!holds) {
        throw CollimateException.usage(otherwise);
      }
    }
  }

  /**
   * One arm.
   *
   * @param prompts of them, each of its own
   * @param samples completions of each
   * @param tokens new ones of each
   */
  private record Arm(int prompts, int samples, int tokens) {
    int rows() {
      return prompts * samples;
    }

    /** The same up to the first token: what the prompts cost. */
    Arm first() {
      return new Arm(prompts, samples, 1);
    }
  }

  private final Decoder decoder;
  private final Generator generator;
  private final Precision precision;
  private final DecodeCost cost;
  private final Options options;
  private final Map<Arm, Seconds> times = new LinkedHashMap<>();

  /** By the bytes that a step reads; bytes a second. */
  private final Map<Long, List<Double>> reads = new TreeMap<>();

  private final List<Double> products = new ArrayList<>();

  /**
   * @param precision that the decoder was loaded with
   * @param parameters of the model
   */
  public RolloutBench(Decoder decoder, Precision precision, long parameters, Options options) {
    this.decoder = decoder;
    this.precision = precision;
    this.options = options;
    generator = new Generator(decoder, new int[0]);
    cost = DecodeCost.of(decoder.config(), parameters, precision);
  }

  /** Runs all arms in turns and returns what they took. */
  public Map<String, Object> run() {
    for (int batch : options.batches()) {
      note(batch(batch));
    }
    note(shared());
    note(repeated());
    for (int times : LENGTHENED) {
      note(lengthened(times));
    }
    times.keySet().forEach(this::seconds);
    for (int run = 0; run < options.runs(); run++) {
      reads.forEach((bytes, rates) -> rates.add(probe(bytes)));
      times.forEach((arm, seconds) -> seconds.add(seconds(arm)));
    }
    return report();
  }

  private Arm batch(int rows) {
    return new Arm(rows, 1, options.completion());
  }

  private Arm shared() {
    return new Arm(1, options.samples(), options.completion());
  }

  /** What {@link #shared} would be if every completion had to read its prompt. */
  private Arm repeated() {
    return batch(options.samples());
  }

  private Arm lengthened(int times) {
    return new Arm(1, options.samples(), times * options.completion());
  }

  private void note(Arm arm) {
    times.computeIfAbsent(arm.first(), key -> new Seconds());
    times.computeIfAbsent(arm, key -> new Seconds());
    reads.computeIfAbsent(bytes(arm), key -> new ArrayList<>());
  }

  private long bytes(Arm arm) {
    return (long) cost.bytes(arm.rows(), meanLength(arm));
  }

  /** Of the rows over the steps behind the first token. */
  private double meanLength(Arm arm) {
    return options.prompt() + arm.tokens() / 2.0;
  }

  private double probe(long bytes) {
    try (PeakProbe probe = new PeakProbe(precision, bytes, PRODUCT)) {
      probe.read();
      probe.product();
      products.add(probe.product());
      return probe.read();
    }
  }

  private double seconds(Arm arm) {
    CounterRandom random = CounterRandom.of(1, "bench rollout");
    List<int[]> prompts =
        IntStream.range(0, arm.prompts()).mapToObj(row -> prompt(random.child(row))).toList();
    List<Long> seeds = LongStream.range(0, arm.rows()).boxed().toList();
    SamplingParams params = new SamplingParams(arm.tokens(), 1, 0, 1, 1, true);
    long begin = System.nanoTime();
    generator.generate(prompts, arm.samples(), seeds, params);
    return (System.nanoTime() - begin) / 1e9;
  }

  private int[] prompt(CounterRandom random) {
    int vocabulary = decoder.config().vocabSize();
    return IntStream.range(0, options.prompt())
        .map(t -> (int) (random.uniform(t) * vocabulary))
        .toArray();
  }

  /** Seconds of a step behind the first token. */
  private double step(Arm arm) {
    return Math.max(0, times.get(arm).median() - times.get(arm.first()).median())
        / (arm.tokens() - 1);
  }

  private static double median(List<Double> numbers) {
    return StatUtils.percentile(numbers.stream().mapToDouble(Double::doubleValue).toArray(), 50);
  }

  private Map<String, Object> report() {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("prompt", options.prompt());
    report.put("completion", options.completion());
    report.put("weight_gigabytes_a_step", cost.bytes(0, 0) / 1e9);
    report.put("cache_kilobytes_a_token", cost.cacheNumbers() * Float.BYTES / 1e3);
    report.put(
        "memory_gigabytes_per_second",
        Collections.max(reads.values().stream().map(RolloutBench::median).toList()) / 1e9);
    report.put("matmul_gigaflops_per_second", median(products) / 1e9);
    report.put("runs", options.runs());
    report.put("batches", options.batches().stream().map(this::batch).map(this::row).toList());
    report.put("prompt_once_for_" + options.samples() + "_samples", row(shared()));
    report.put("prompt_for_each_of_" + options.samples() + "_samples", row(repeated()));
    report.put(
        "prompts_each_over_once",
        times.get(repeated().first()).median() / times.get(shared().first()).median());
    report.put(
        "whole_each_over_once", times.get(repeated()).median() / times.get(shared()).median());
    report.put(
        "lengths", IntStream.of(LENGTHENED).mapToObj(this::lengthened).map(this::row).toList());
    double shortest = step(lengthened(LENGTHENED[0]));
    report.put(
        "step_at_longest_over_shortest",
        step(lengthened(LENGTHENED[LENGTHENED.length - 1])) / shortest);
    return report;
  }

  private Map<String, Object> row(Arm arm) {
    Map<String, Object> seconds = times.get(arm).summary();
    double tokens = (double) arm.rows() * arm.tokens();
    double step = step(arm);
    double length = meanLength(arm);
    double memory = cost.bytes(arm.rows(), length) / median(reads.get(bytes(arm)));
    double matmul = cost.flops(arm.rows(), length) / median(products);
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("completions", arm.rows());
    row.put("tokens_each", arm.tokens());
    row.put("tokens_per_second", tokens / times.get(arm).median());
    row.put("quartile_1", tokens / (double) seconds.get("quartile_3"));
    row.put("quartile_3", tokens / (double) seconds.get("quartile_1"));
    row.put("prompt_seconds", times.get(arm.first()).median());
    row.put("step_milliseconds", 1e3 * step);
    row.put("memory_floor_milliseconds", 1e3 * memory);
    row.put("matmul_floor_milliseconds", 1e3 * matmul);
    row.put("step_over_floor", step / Math.max(memory, matmul));
    return row;
  }
}
