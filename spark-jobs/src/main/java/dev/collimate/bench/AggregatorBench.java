package dev.collimate.bench;

import dev.collimate.CollimateException;
import dev.collimate.aggregate.Aggregator;
import dev.collimate.aggregate.AggregatorConfig;
import dev.collimate.aggregate.GradientFormat;
import dev.collimate.aggregate.HeapVectors;
import dev.collimate.aggregate.RegistrationPolicy;
import dev.collimate.aggregate.RoundStats;
import dev.collimate.aggregate.SimulatedWorkers;
import dev.collimate.aggregate.StepResult;
import dev.collimate.aggregate.WorkerSeats;
import dev.collimate.parameters.FlatVector;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Times a step of the aggregator where computing costs next to nothing, beside Spark's own means
 * and beside two floors: the same bytes copied in memory, and sent through bare sockets of this
 * machine. The arms take turns, each warm.
 */
public final class AggregatorBench {

  /**
   * Before the turns of our own arm: connections and buffers are new, and what the arm before left
   * to the garbage collectors is not this one's.
   */
  private static final int WARM_UP = 10;

  private static final int PER_TURN = 5;

  /**
   * What is measured.
   *
   * @param parameters float32 entries that go out and come back
   * @param workers that take part, one leaf each
   * @param processes that the workers are simulated in; 0: each worker is an executor's only one
   * @param runs of every arm at the least
   * @param warmUp seconds that each arm runs for before its first turn, so that what it runs is
   *     compiled
   * @param format that the gradients travel in
   */
  public record Options(
      long parameters, int workers, int processes, int runs, double warmUp, GradientFormat format) {

    public Options {
      require(parameters > 0, "--parameters must be >= 1, got " + parameters);
      require(workers > 0, "--workers must be >= 1, got " + workers);
      require(runs > 0, "--runs must be >= 1, got " + runs);
      require(warmUp >= 0, "--warm-up must be >= 0, got " + warmUp);
    }

    boolean isSimulated() {
      return processes > 0;
    }

    private static void require(boolean holds, String otherwise) {
      if (!holds) {
        throw CollimateException.usage(otherwise);
      }
    }
  }

  private final JavaSparkContext spark;
  private final Options options;
  private final FlatVector parameters;
  private final Seconds steps = new Seconds();
  private final Seconds pulls = new Seconds();
  private final Seconds pushes = new Seconds();
  private final Seconds copies = new Seconds();
  private final Seconds sockets = new Seconds();
  private final Map<Integer, Seconds> reductions = new LinkedHashMap<>();
  private int peakBuffers;
  private int leastWorkers = Integer.MAX_VALUE;
  private long releases;
  private long heapPeak;
  private boolean encrypted;
  private long version;
  private double stepProcessor;
  private boolean processorKnown = true;
  private final Seconds copyProcessor = new Seconds();

  public AggregatorBench(JavaSparkContext spark, Options options) {
    this.spark = spark;
    this.options = options;
    this.parameters = GivenGradient.numbers(options.parameters(), 0);
  }

  /** What Spark's own arm needs to be as fast as it can be. */
  public static SparkConf settings() {
    return new SparkConf()
        .set("spark.broadcast.compress", "false")
        .set("spark.shuffle.compress", "false")
        .set("spark.shuffle.spill.compress", "false")
        .set("spark.rdd.compress", "false")
        .set("spark.driver.maxResultSize", "0");
  }

  /** Runs all arms in turns and returns what they took. */
  public Map<String, Object> run() {
    MemoryCopies memory = new MemoryCopies(options.parameters(), 2 * options.workers());
    long bytes = options.parameters() * Float.BYTES;
    try (TreeReduce reduce = comparable();
        LoopbackSockets loopback = new LoopbackSockets(bytes, options.workers())) {
      for (int done = 0; done < options.runs(); done += PER_TURN) {
        aggregate();
        turn(copies, () -> copy(memory));
        turn(sockets, loopback::step);
        if (reduce != null) {
          for (int depth = 1; depth <= 2; depth++) {
            int levels = depth;
            turn(
                reductions.computeIfAbsent(depth, key -> new Seconds()), () -> reduce.step(levels));
          }
        }
      }
    }
    return report();
  }

  /** Null where Spark's means cannot be compared: arrays end at 2^31 entries, workers are one. */
  private TreeReduce comparable() {
    return options.isSimulated() || options.parameters() > Integer.MAX_VALUE / Float.BYTES
        ? null
        : new TreeReduce(spark, (int) options.parameters(), options.workers());
  }

  private double copy(MemoryCopies memory) {
    double begin = ProcessorTime.ofThisThread();
    double seconds = memory.step();
    copyProcessor.add(ProcessorTime.ofThisThread() - begin);
    return seconds;
  }

  private interface Arm {
    double step();
  }

  private void turn(Seconds seconds, Arm arm) {
    warmUp(seconds, 1, arm);
    for (int i = 0; i < PER_TURN; i++) {
      seconds.add(arm.step());
    }
  }

  private void warmUp(Seconds measured, int times, Arm arm) {
    double least = measured.count() == 0 ? options.warmUp() : 0;
    long begin = System.nanoTime();
    for (int i = 0; i < times || (System.nanoTime() - begin) / 1e9 < least; i++) {
      arm.step();
    }
  }

  /** One turn of our own arm. The seats are closed after it: other Spark jobs need the cores. */
  private void aggregate() {
    GivenGradient tasks = new GivenGradient(options.parameters());
    AggregatorConfig config =
        AggregatorConfig.forWorkers(options.workers()).withFormat(options.format());
    Aggregator aggregator = Aggregator.start(config, RegistrationPolicy.ANYONE);
    AutoCloseable workers =
        options.isSimulated()
            ? SimulatedWorkers.open(
                spark, aggregator, tasks, options.workers(), options.processes())
            : WorkerSeats.open(spark, aggregator, tasks, options.workers());
    try (workers;
        aggregator) {
      encrypted = aggregator.isEncrypted();
      int there = aggregator.awaitWorkers();
      if (there < options.workers()) {
        throw CollimateException.resources(
            "--workers: "
                + there
                + " of "
                + options.workers()
                + " came; ask Spark for as many executors, or use --simulated");
      }
      warmUp(steps, WARM_UP, () -> step(aggregator).stats().seconds());
      heapPools().forEach(MemoryPoolMXBean::resetPeakUsage);
      Optional<ProcessorTime> processor = ProcessorTime.of(aggregator.workers());
      double begin = processor.map(ProcessorTime::seconds).orElse(0.0);
      for (int i = 0; i < PER_TURN; i++) {
        note(step(aggregator));
      }
      stepProcessor += processor.map(ProcessorTime::seconds).orElse(0.0) - begin;
      processorKnown &= processor.isPresent();
      heapPeak =
          Math.max(
              heapPeak,
              heapPools().stream().mapToLong(pool -> pool.getPeakUsage().getUsed()).sum());
    } catch (CollimateException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException("the workers could not be closed", e);
    }
  }

  private StepResult step(Aggregator aggregator) {
    List<byte[]> leaves = Collections.nCopies(options.workers(), new byte[0]);
    StepResult result = aggregator.step(++version, parameters, leaves);
    float leaf = GivenGradient.numbers(Math.min(options.parameters(), FlatVector.BLOCK), 1).get(0);
    float expected = options.workers() * leaf;
    if (Math.abs(result.gradient().get(0) - expected) > 1e-2f * Math.abs(expected)) {
      throw new IllegalStateException(
          "the sum begins with " + result.gradient().get(0) + ", not " + expected);
    }
    return result;
  }

  private void note(StepResult result) {
    RoundStats stats = result.stats();
    steps.add(stats.seconds());
    pulls.add(stats.pullSeconds());
    pushes.add(stats.pushSeconds());
    peakBuffers = Math.max(peakBuffers, stats.peakBuffers());
    leastWorkers = Math.min(leastWorkers, stats.workers());
    releases += stats.releases();
  }

  private static List<MemoryPoolMXBean> heapPools() {
    return ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getType() == MemoryType.HEAP)
        .toList();
  }

  /** Heap, buffers and all, since the driver began; empty where the kernel does not tell. */
  private static OptionalLong residentPeak() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
      return lines
          .filter(line -> line.startsWith("VmHWM:"))
          .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
          .findFirst();
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }

  private Map<String, Object> report() {
    double gigabytes = options.parameters() * (double) Float.BYTES / 1e9;
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("parameters", options.parameters());
    report.put("gigabytes_each_way_per_worker", gigabytes);
    report.put("wire", options.format().name().toLowerCase(Locale.ROOT));
    report.put("encrypted", encrypted);
    report.put("workers", options.workers());
    report.put("workers_that_took_part", leastWorkers);
    report.put("leaves_given_out_again", releases);
    report.put("step", steps.summary());
    report.put("steps_per_second", 1 / steps.median());
    report.put("pull_gigabytes_per_second_per_worker", gigabytes / pulls.median());
    report.put("push_gigabytes_per_second_per_worker", gigabytes / pushes.median());
    report.put("memory_copies", copies.summary());
    report.put("step_over_memory_copies", steps.median() / copies.median());
    if (processorKnown) {
      double processor = stepProcessor / steps.count();
      report.put("step_processor_seconds", processor);
      report.put("memory_copies_processor_seconds", copyProcessor.median());
      report.put("step_over_memory_copies_processor", processor / copyProcessor.median());
    }
    report.put("loopback_sockets", sockets.summary());
    report.put("step_over_loopback_sockets", steps.median() / sockets.median());
    reductions.forEach(
        (depth, seconds) -> report.put("broadcast_tree_reduce_depth_" + depth, seconds.summary()));
    reductions.values().stream()
        .mapToDouble(Seconds::median)
        .min()
        .ifPresent(best -> report.put("broadcast_tree_reduce_over_step", best / steps.median()));
    int bound = HeapVectors.ofDriver(options.workers());
    report.put("gradients_held", peakBuffers);
    report.put("gradients_held_at_most", bound);
    report.put("bound_holds", peakBuffers <= bound);
    report.put("driver_heap_peak_bytes", heapPeak);
    residentPeak().ifPresent(bytes -> report.put("driver_resident_peak_bytes", bytes));
    return report;
  }
}
