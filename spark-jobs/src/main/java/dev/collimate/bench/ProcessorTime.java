package dev.collimate.bench;

import dev.collimate.aggregate.WorkerPlace;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.SparkEnv;

/**
 * What the driver and the workers' processes take of the processors, user and system together, the
 * JVMs' own threads included. Unlike a wall clock it does not count what others do on the machine.
 */
final class ProcessorTime {

  private final List<ProcessHandle> processes;

  private ProcessorTime(List<ProcessHandle> processes) {
    this.processes = processes;
  }

  /** Empty where a worker is on another machine. */
  static Optional<ProcessorTime> of(List<WorkerPlace> workers) {
    String here = SparkEnv.get().conf().get("spark.driver.host");
    List<ProcessHandle> processes = new ArrayList<>(List.of(ProcessHandle.current()));
    for (long pid : workers.stream().mapToLong(WorkerPlace::pid).distinct().toArray()) {
      ProcessHandle.of(pid).ifPresent(processes::add);
    }
    long expected = 1 + workers.stream().map(WorkerPlace::pid).distinct().count();
    boolean local = workers.stream().allMatch(worker -> worker.host().equals(here));
    return local && processes.size() == expected
        ? Optional.of(new ProcessorTime(processes))
        : Optional.empty();
  }

  /** Since the processes began. */
  double seconds() {
    return processes.stream()
        .map(ProcessHandle::info)
        .map(ProcessHandle.Info::totalCpuDuration)
        .flatMap(Optional::stream)
        .mapToDouble(ProcessorTime::seconds)
        .sum();
  }

  /** What the calling thread has taken alone. */
  static double ofThisThread() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() / 1e9;
  }

  private static double seconds(Duration duration) {
    return duration.toNanos() / 1e9;
  }
}
