package dev.collimate.executor;

import dev.collimate.CollimateException;
import dev.collimate.config.ClusterConfig.Device;
import dev.collimate.nn.ComputeDevice;
import dev.collimate.nn.Engine;
import dev.collimate.nn.GpuCard;
import java.io.Serializable;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the executors compute on, looked at before work begins. */
public final class ExecutorDevices {

  private static final Logger log = LoggerFactory.getLogger(ExecutorDevices.class);

  private static final int SHOWN = 4;

  private ExecutorDevices() {}

  /**
   * What a task found.
   *
   * @param problem a sentence; empty where there is none
   */
  private record Found(String executor, String device, String problem) implements Serializable {}

  /**
   * Starts the engine on every executor that is there; one that comes later is looked at by its
   * first task. Does nothing where the CPU is wanted.
   *
   * @param threads of one operation
   * @param gpuBytes what a GPU must hold
   * @throws CollimateException (resources) where an executor has no GPU that is wanted, shares it
   *     with another, cannot compute on it, or where it is too small
   */
  public static void require(JavaSparkContext spark, Device wanted, int threads, long gpuBytes) {
    if (wanted == Device.CPU) {
      return;
    }
    // One for every slot: while those of one executor are busy, the others get theirs.
    int tasks = Math.max(1, spark.defaultParallelism());
    List<Found> all =
        spark
            .parallelize(IntStream.range(0, tasks).boxed().toList(), tasks)
            .map(any -> look(wanted, threads, gpuBytes))
            .distinct()
            .collect();
    List<String> problems =
        all.stream()
            .filter(found -> !found.problem().isEmpty())
            .map(found -> found.executor() + ": " + found.problem())
            .sorted()
            .toList();
    if (!problems.isEmpty()) {
      throw CollimateException.resources(
          "cluster.device: "
              + String.join("; ", problems.subList(0, Math.min(SHOWN, problems.size()))));
    }
    all.forEach(found -> log.info("{} computes on {}", found.executor(), found.device()));
  }

  private static Found look(Device wanted, int threads, long gpuBytes) {
    SparkEnv env = SparkEnv.get();
    String executor =
        "executor %s on %s".formatted(env.executorId(), env.blockManager().blockManagerId().host());
    try {
      ComputeDevice device = AssignedDevice.of(wanted);
      Optional<GpuCard> card = Engine.start(threads, device).card();
      String label = device.label() + card.map(gpu -> " (" + gpu.name() + ")").orElse("");
      long needed = (gpuBytes + (1 << 20) - 1) >> 20;
      if (card.isPresent() && card.get().memoryMib() > 0 && card.get().memoryMib() < needed) {
        return new Found(
            executor,
            label,
            "%d MiB of %s do not hold weights, gradients and activations, which need %d MiB; lower train.micro_batch_size or data.max_length, or set train.gradient_checkpointing: true"
                .formatted(card.get().memoryMib(), label, needed));
      }
      return new Found(executor, label, "");
    } catch (CollimateException e) {
      return new Found(executor, "", e.getMessage());
    }
  }
}
