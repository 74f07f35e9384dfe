package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.OperatingSystemMXBean;
import dev.collimate.parameters.FlatVector;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * How long a step takes where computing costs nothing: two workers, one leaf each, ten million
 * parameters. Prints medians; asserts only what holds on a busy machine too.
 */
@Tag("slow")
class AggregatorThroughputTest {

  private static final int PARAMETERS = 10_000_000;
  private static final int STEPS = 25;
  private static final int WARM_UP = 10;

  @Test
  void tenMillionParametersAndTwoWorkers() {
    StepResult[] steps = new StepResult[STEPS];
    double[] copies = new double[STEPS];
    double[] processor = new double[STEPS];
    try (Cluster cluster = Cluster.of(2)) {
      cluster.add(place -> new Precomputed());
      cluster.add(place -> new Precomputed());
      cluster.aggregator().awaitWorkers();
      FlatVector parameters = KnownVectors.parameters(PARAMETERS, 1);
      FlatVector copy = new FlatVector(PARAMETERS);
      for (int i = 0; i < STEPS; i++) {
        long before = processorNanos();
        steps[i] = cluster.aggregator().step(i, parameters, KnownVectors.payloads(2));
        processor[i] = (processorNanos() - before) / 1e9;
        long start = System.nanoTime();
        for (int each = 0; each < 4; each++) {
          copy.copyFrom(parameters);
        }
        copies[i] = (System.nanoTime() - start) / 1e9;
        assertThat(steps[i].stats().releases()).isZero();
      }
    }
    double gigabytes = PARAMETERS * 4 / 1e9;
    double pull = median(steps, stats -> stats.pullSeconds());
    double push = median(steps, stats -> stats.pushSeconds());
    System.out.printf(
        Locale.ROOT,
        "step %.0f ms, pull %.0f ms (%.2f GB/s per worker), push %.0f ms (%.2f GB/s per worker),"
            + " compute and hash %.0f ms, processor time %.0f ms;"
            + " four memory copies of the vector %.0f ms%n",
        1e3 * median(steps, stats -> stats.seconds()),
        1e3 * pull,
        gigabytes / pull,
        1e3 * push,
        gigabytes / push,
        1e3 * median(steps, stats -> stats.computeSeconds()),
        1e3 * median(processor),
        1e3 * median(copies));
    assertThat(Arrays.stream(steps).map(step -> step.stats().workers())).contains(2);
  }

  private static double median(StepResult[] steps, ToDoubleFunction<RoundStats> part) {
    return median(
        Arrays.stream(steps).mapToDouble(step -> part.applyAsDouble(step.stats())).toArray());
  }

  private static double median(double[] values) {
    return Arrays.stream(values).skip(WARM_UP).sorted().toArray()[(STEPS - WARM_UP) / 2];
  }

  /** Of all threads, the workers' too: what a step costs on a machine that does other things. */
  private static long processorNanos() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private static final class Precomputed extends KnownVectors.Task {
    private final FlatVector gradient = KnownVectors.parameters(PARAMETERS, 9);

    @Override
    public void parameters(long version, FlatVector values) {
      assertThat(values.size()).isEqualTo(PARAMETERS);
    }

    @Override
    public byte[] leaf(byte[] payload, FlatVector gradientOut, BooleanSupplier isVoid) {
      gradientOut.copyFrom(gradient);
      return new byte[0];
    }
  }
}
