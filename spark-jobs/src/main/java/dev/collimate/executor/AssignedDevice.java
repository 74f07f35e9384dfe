package dev.collimate.executor;

import dev.collimate.CollimateException;
import dev.collimate.config.ClusterConfig.Device;
import dev.collimate.nn.ComputeDevice;
import java.util.Optional;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ResourceInformation;

/**
 * The device that this executor computes on: the GPU that Spark assigned to the task, which the JVM
 * then keeps for itself, or the CPU. In local mode, where Spark assigns nothing, {@code gpu} is the
 * first GPU that the process sees.
 */
public final class AssignedDevice {

  private static final String GPU = "gpu";

  private static GpuLock lock;

  private AssignedDevice() {}

  /**
   * To be called on the thread of a Spark task.
   *
   * @throws CollimateException (resources) where {@code gpu} is wanted and Spark assigned none, or
   *     where another process of this machine has taken it
   */
  public static ComputeDevice of(Device wanted) {
    if (wanted == Device.CPU) {
      return ComputeDevice.cpu();
    }
    Optional<ComputeDevice> assigned = assigned();
    if (assigned.isEmpty() && wanted == Device.AUTO) {
      return ComputeDevice.cpu();
    }
    ComputeDevice device = assigned.orElseGet(AssignedDevice::firstOfLocalMode);
    take(device);
    return device;
  }

  private static Optional<ComputeDevice> assigned() {
    TaskContext context = TaskContext.get();
    ResourceInformation gpus = context == null ? null : context.resourcesJMap().get(GPU);
    return gpus == null || gpus.addresses().length == 0
        ? Optional.empty()
        : Optional.of(ComputeDevice.gpu(index(gpus.addresses()[0])));
  }

  private static ComputeDevice firstOfLocalMode() {
    SparkEnv env = SparkEnv.get();
    if (env == null || !env.executorId().equals("driver")) {
      throw CollimateException.resources(
          "Spark assigned no GPU to the task; set spark.executor.resource.gpu.amount and spark.task.resource.gpu.amount, or compute on the CPU");
    }
    return ComputeDevice.gpu(0);
  }

  private static int index(String address) {
    if (!address.matches("\\d{1,4}")) {
      throw CollimateException.resources(
          "Spark assigned the GPU '%s', a number is needed; let the discovery script print the GPUs' numbers"
              .formatted(address));
    }
    return Integer.parseInt(address);
  }

  private static synchronized void take(ComputeDevice device) {
    if (lock == null || !lock.device().equals(device)) {
      lock = GpuLock.take(device, holder());
    }
  }

  /** Who this process is, for the message of one that comes too late. */
  private static String holder() {
    SparkEnv env = SparkEnv.get();
    long pid = ProcessHandle.current().pid();
    return env == null
        ? "process " + pid
        : "executor %s of %s, process %d"
            .formatted(env.executorId(), env.conf().get("spark.app.id", "an application"), pid);
  }
}
