package dev.collimate.nn;

import ai.djl.Device;

/**
 * Where tensors live and are computed with.
 *
 * @param kind CPU or GPU
 * @param index which GPU of this process, as Spark's resource assignment numbers it; 0 for the CPU
 */
public record ComputeDevice(Kind kind, int index) {

  /** The kinds of devices. */
  public enum Kind {
    CPU,
    GPU
  }

  public ComputeDevice {
    if (index < 0 || (kind == Kind.CPU && index != 0)) {
      throw new IllegalArgumentException("there is no " + kind + " " + index);
    }
  }

  public static ComputeDevice cpu() {
    return new ComputeDevice(Kind.CPU, 0);
  }

  public static ComputeDevice gpu(int index) {
    return new ComputeDevice(Kind.GPU, index);
  }

  public boolean isGpu() {
    return kind == Kind.GPU;
  }

  /** {@code cpu}, or {@code gpu:1}. */
  public String label() {
    return isGpu() ? "gpu:" + index : "cpu";
  }

  Device toDjl() {
    return isGpu() ? Device.gpu(index) : Device.cpu();
  }
}
