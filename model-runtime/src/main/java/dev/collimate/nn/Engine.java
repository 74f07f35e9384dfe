package dev.collimate.nn;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import dev.collimate.CollimateException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;

/**
 * libtorch in this JVM. It reads its settings once, when it loads, and keeps thread counts for the
 * whole process, so there is one engine per JVM and its settings are fixed by whoever starts it.
 */
public final class Engine {

  private static final ThreadLocal<Boolean> PREPARED = ThreadLocal.withInitial(() -> false);
  private static Engine started;

  private final int threads;
  private final ComputeDevice device;
  private final NDManager root;
  private final Optional<GpuCard> card;
  private final Kernels kernels;

  private Engine(int threads, ComputeDevice device) {
    this.threads = threads;
    this.device = device;
    root = NDManager.newBaseManager(device.toDjl(), "PyTorch");
    requireComputing();
    card = GpuCard.of(device);
    kernels = Kernels.load((PtNDManager) root);
  }

  /**
   * Loads libtorch with these settings; does nothing where it runs with the same ones already.
   *
   * @param threads threads of one operation; part of the result's identity, since sums are split by
   *     them
   * @throws IllegalStateException where it runs with other settings
   * @throws CollimateException of kind RESOURCES where the device is a GPU and this libtorch cannot
   *     compute on it
   */
  public static synchronized Engine start(int threads, ComputeDevice device) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be >= 1, got " + threads);
    }
    if (started == null) {
      Map.of(
              "ai.djl.offline", "true",
              "OPT_OUT_TRACKING", "true",
              "ai.djl.pytorch.num_threads", Integer.toString(threads),
              "ai.djl.pytorch.num_interop_threads", "1",
              "ai.djl.pytorch.graph_optimizer", "false")
          .forEach(System::setProperty);
      Engine engine = new Engine(threads, device);
      requireThreads(threads);
      started = engine;
    } else if (started.threads != threads || !started.device.equals(device)) {
      throw new IllegalStateException(
          "The engine of this JVM runs with %d threads on %s, it cannot be started again with %d on %s"
              .formatted(started.threads, started.device.label(), threads, device.label()));
    }
    prepareThread();
    return started;
  }

  /** The engine of this JVM; {@link #start} must have been called. */
  public static synchronized Engine current() {
    if (started == null) {
      throw new IllegalStateException("Engine.start must be called first");
    }
    return started;
  }

  /**
   * Sets what libtorch keeps per thread: gradients off (the kernels switch them on for themselves),
   * TorchScript's graph optimiser off (with it on, the second call has other bits than the first),
   * the thread count. Everything in this package that computes calls it; it costs nothing the
   * second time.
   */
  public static void prepareThread() {
    if (!PREPARED.get()) {
      JniUtils.setGraphExecutorOptimize(false);
      JniUtils.setGradMode(false);
      JniUtils.setNumThreads(current().threads);
      PREPARED.set(true);
    }
  }

  public int threads() {
    return threads;
  }

  public ComputeDevice device() {
    return device;
  }

  /** The GPU that it computes on, where the driver's tool tells; empty on a CPU. */
  public Optional<GpuCard> card() {
    return card;
  }

  /** Version of libtorch, such as 2.7.1. */
  public String libtorchVersion() {
    return root.getEngine().getVersion();
  }

  /** Version of the library between Java and libtorch, such as 2.7.1-0.35.1. */
  public String jniVersion() {
    try (InputStream file = JniUtils.class.getResourceAsStream("/jnilib/pytorch.properties")) {
      if (file == null) {
        return "unknown";
      }
      Properties properties = new Properties();
      properties.load(file);
      return properties.getProperty("jni_version", "unknown");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Which of libtorch's own CPU kernels run: DEFAULT, AVX2 or AVX512. */
  public String cpuCapability() {
    return kernels.callForText("cpu_capability");
  }

  Kernels kernels() {
    return kernels;
  }

  /** A manager for a model, on the engine's device; the caller closes it. */
  PtNDManager newManager() {
    return (PtNDManager) root.newSubManager();
  }

  private void requireComputing() {
    if (!device.isGpu()) {
      return;
    }
    try (NDArray number = root.create(1f)) {
      number.toFloatArray();
    } catch (EngineException e) {
      String version = root.getEngine().getVersion();
      root.close();
      throw CollimateException.resources(
          "libtorch %s cannot compute on %s (%s); give every executor a PyTorch with CUDA (PYTORCH_LIBRARY_PATH, PYTORCH_VERSION, PYTORCH_FLAVOR) and a GPU, or compute on the CPU"
              .formatted(version, device.label(), firstLine(e)));
    }
  }

  private static String firstLine(EngineException e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("no reason given");
  }

  private static void requireThreads(int threads) {
    if (JniUtils.getNumThreads() != threads || JniUtils.getNumInteropThreads() != 1) {
      throw new IllegalStateException(
          "libtorch was loaded by other code in this JVM with %d and %d threads, %d and 1 are needed"
              .formatted(JniUtils.getNumThreads(), JniUtils.getNumInteropThreads(), threads));
    }
  }
}
