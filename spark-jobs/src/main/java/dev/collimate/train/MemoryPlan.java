package dev.collimate.train;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.config.RunConfig;
import java.util.Locale;
import org.apache.spark.SparkConf;
import org.apache.spark.network.util.JavaUtils;

/**
 * The bytes that a run needs, from config.json and the sizes in the run file, so that too little
 * memory is told before the first executor starts and not by a killed container.
 *
 * @param workerNative outside the executor's heap: libtorch, weights, gradients, activations,
 *     logits
 * @param workerHeap the worker's flat parameters, gradient sums and rows
 * @param driverHeap masters and moments, the version served, a checkpoint's copy, gradient sums
 */
public record MemoryPlan(long workerNative, long workerHeap, long driverHeap) {

  /**
   * Code and arenas of libtorch, the tokenizer and Netty: measured resident size before a model is
   * loaded.
   */
  private static final long NATIVE_BASE = 600L << 20;

  private static final long HEAP_BASE = 400L << 20;
  private static final int FLOAT = Float.BYTES;

  /**
   * Adds up.
   *
   * @param parameters of the model
   * @param trained of those, or of the adapter
   */
  public static MemoryPlan of(RunConfig run, ModelConfig model, long parameters, long trained) {
    long rows = (long) run.train().microBatchSize() * sequencesPerRow(run);
    long length =
        Math.min(run.data().maxLength().orElse(model.maxPositions()), model.maxPositions());
    long tokens = rows * length;
    // Per layer a token keeps about: the residual stream and norms (6 hidden), queries, keys,
    // values
    // and their rotations (2 each), the attention's output, and the MLP's inner values (4
    // intermediate).
    long attention =
        (long) model.attention().headDim()
            * (2L * model.attention().heads() + 4L * model.attention().keyValueHeads());
    long perLayer = 6L * model.hiddenSize() + attention + 4L * model.intermediateSize();
    long kept =
        run.train().gradientCheckpointing()
            ? (long) model.layers() * model.hiddenSize() + perLayer
            : model.layers() * perLayer;
    // Logits, their softmax and its gradient, at most a chunk at a time.
    long logits = 3L * Math.min(tokens * model.vocabSize(), 1L << 26);
    long workerNative = NATIVE_BASE + FLOAT * (parameters + trained + tokens * kept + logits);
    int microBatches = Math.max(1, run.train().globalBatchSize() / run.train().microBatchSize());
    long sums = 2L * (32 - Integer.numberOfLeadingZeros(microBatches)) + 4;
    long workerHeap = HEAP_BASE + FLOAT * trained * 6;
    long driverHeap = HEAP_BASE + FLOAT * trained * (3 + 1 + 3 + sums);
    return new MemoryPlan(workerNative, workerHeap, driverHeap);
  }

  private static int sequencesPerRow(RunConfig run) {
    return run.objective().name().equals("sft") ? 1 : 2;
  }

  /**
   * Sets {@code spark.executor.memoryOverhead} where it is unset and refuses a smaller one.
   *
   * @throws CollimateException (resources) with the sum where something is too small
   */
  public void applyTo(SparkConf spark) {
    require(
        Runtime.getRuntime().maxMemory(),
        driverHeap,
        "spark.driver.memory",
        "masters, moments, the version served, a checkpoint's copy and gradient sums");
    if (spark.get("spark.master", "").matches("local(\\[.*)?")) {
      // The workers live in the driver's JVM, which has no container to outgrow.
      return;
    }
    String overheadKey = "spark.executor.memoryOverhead";
    if (!spark.contains(overheadKey)) {
      spark.set(overheadKey, inMebibytes(workerNative) + "m");
    } else {
      require(
          JavaUtils.byteStringAsBytes(withUnit(spark.get(overheadKey))),
          workerNative,
          overheadKey,
          "libtorch, weights, gradients and activations");
    }
    require(
        JavaUtils.byteStringAsBytes(withUnit(spark.get("spark.executor.memory", "1g"))),
        workerHeap,
        "spark.executor.memory",
        "the worker's flat parameters and gradient sums");
  }

  private static void require(long present, long needed, String key, String what) {
    if (present < needed) {
      throw CollimateException.resources(
          String.format(
              Locale.ROOT,
              "%s: %d MiB do not hold %s, which need %d MiB; set it to %dm",
              key,
              inMebibytes(present),
              what,
              inMebibytes(needed),
              inMebibytes(needed)));
    }
  }

  /** Spark reads a bare number of these keys as MiB. */
  private static String withUnit(String size) {
    return size.matches("\\d+") ? size + "m" : size;
  }

  private static long inMebibytes(long bytes) {
    return (bytes + (1 << 20) - 1) >> 20;
  }
}
