package dev.collimate.train;

import dev.collimate.CollimateException;
import dev.collimate.aggregate.AggregatorConfig;
import dev.collimate.aggregate.HeapVectors;
import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.config.ClusterConfig.Device;
import dev.collimate.config.RunConfig;
import dev.collimate.nn.ComputeDevice.Kind;
import dev.collimate.nn.Decoder;
import dev.collimate.nn.Quantity;
import dev.collimate.objective.Declaration;
import dev.collimate.objective.Objectives;
import dev.collimate.objective.ReferenceUse;
import dev.collimate.reference.ReferenceSource;
import dev.collimate.storage.HadoopFolder;
import java.util.Locale;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.network.util.JavaUtils;

/**
 * The bytes that a run needs, from config.json and the sizes in the run file, so that too little
 * memory is told before the first executor starts and not by a killed container.
 *
 * @param workerNative outside the executor's heap: libtorch, and on a CPU weights, gradients,
 *     activations, logits
 * @param workerGpu these on a GPU, where one may be used; else 0
 * @param workerHeap the worker's flat parameters, gradient sums and rows
 * @param driverHeap masters and moments, the version served, a checkpoint's copy, gradient sums
 */
public record MemoryPlan(long workerNative, long workerGpu, long workerHeap, long driverHeap) {

  /**
   * Code and arenas of libtorch, the tokenizer and Netty: measured resident size before a model is
   * loaded.
   */
  private static final long NATIVE_BASE = 600L << 20;

  /**
   * The same with CUDA's libraries and its context: resident size measured on an H200 with PyTorch
   * 2.11, less the heap.
   */
  private static final long NATIVE_BASE_OF_GPU = 2200L << 20;

  /** CUDA's context, and what its allocator loses between blocks. */
  private static final long GPU_BASE = 1024L << 20;

  private static final long HEAP_BASE = 400L << 20;
  private static final int FLOAT = Float.BYTES;

  /** Longest row that inference plans for where a model reads longer ones. */
  private static final long INFERENCE_TOKENS = 8192;

  /** Held, and copied while a checkpoint is written. */
  private static final int MASTERS_AND_MOMENTS = 3;

  /** The same under local steps, where the moments are the replicas'. */
  private static final int MASTERS_AND_VELOCITY = 2;

  /** A replica's weights and moments in its worker, and a gradient. */
  private static final int REPLICA = 4;

  private static final int VERSION_SERVED = 1;

  private static final String OF_DRIVER =
      "masters, moments, the version served, a checkpoint's copy and gradient sums";

  /**
   * Adds up; where {@code reference_model} is a folder, what its log-probabilities need before
   * training counts too.
   */
  public static MemoryPlan of(RunConfig run, PolicySource policy, Configuration configuration) {
    MemoryPlan training =
        of(
            run,
            policy.model().config(),
            policy.model().layout().parameters().size(),
            policy.layout().size(),
            policy.valueModel());
    if (!ReferenceSource.isFolder(run)) {
      return training;
    }
    try (ModelFolder reference =
        ModelFolder.open(
            HadoopFolder.open("reference_model", run.referenceModel(), configuration))) {
      return training.orMore(
          ofReading(
              reference.config(),
              reference.layout().parameters().size(),
              sequencesPerRow(run) * longest(run, reference.config()),
              run.cluster().device()));
    }
  }

  /** Adds up for training without a value model of its own. */
  static MemoryPlan of(RunConfig run, ModelConfig model, long parameters, long trained) {
    return of(run, model, parameters, trained, Optional.empty());
  }

  /**
   * Adds up for training.
   *
   * @param parameters of the model
   * @param trained of those, or of the adapter, and all of the value model
   * @param values the value model, which runs beside the policy on the same tokens
   */
  private static MemoryPlan of(
      RunConfig run,
      ModelConfig model,
      long parameters,
      long trained,
      Optional<ModelFolder> values) {
    long rows = (long) run.train().microBatchSize() * sequencesPerRow(run);
    long tokens = rows * longest(run, model);
    long kept = kept(run, model);
    long ofValues = 0;
    for (ModelFolder folder : values.stream().toList()) {
      ofValues += folder.layout().parameters().size();
      kept += kept(run, folder.config());
    }
    long tensors =
        parameters
            + ofValues
            + trained
            + besidePolicy(run, parameters)
            + ofRollouts(run, model, parameters)
            + tokens * kept;
    long globalBatch = run.train().globalBatchSize();
    int microBatch = run.train().microBatchSize();
    int microBatches = (int) ((globalBatch + microBatch - 1) / microBatch);
    boolean local = run.train().hasLocalSteps();
    int leaves = local ? run.train().replicas().orElseThrow() : microBatches;
    int worker =
        HeapVectors.ofWorker(AggregatorConfig.forWorkers(run.cluster().workers()), leaves)
            + (local ? REPLICA + HeapVectors.depth(microBatches) : 0);
    int held = (local ? MASTERS_AND_VELOCITY : MASTERS_AND_MOMENTS) + movingReference(run);
    int driver = held + VERSION_SERVED + held + HeapVectors.ofDriver(leaves);
    long workerHeap = HEAP_BASE + FLOAT * trained * worker;
    long driverHeap = HEAP_BASE + FLOAT * trained * driver;
    return of(run.cluster().device(), tensors, tokens, model, workerHeap, driverHeap);
  }

  /** Numbers that training keeps of a token. */
  private static long kept(RunConfig run, ModelConfig model) {
    long perLayer = perLayer(model);
    return run.train().gradientCheckpointing()
        ? (long) model.layers() * model.hiddenSize() + perLayer
        : model.layers() * perLayer;
  }

  /**
   * @param tensors numbers beside the logits
   */
  private static MemoryPlan of(
      Device device,
      long tensors,
      long tokens,
      ModelConfig model,
      long workerHeap,
      long driverHeap) {
    long onCpu = NATIVE_BASE + FLOAT * (tensors + logits(tokens, model, Kind.CPU));
    long onGpu = GPU_BASE + FLOAT * (tensors + logits(tokens, model, Kind.GPU));
    return switch (device) {
      case CPU -> new MemoryPlan(onCpu, 0, workerHeap, driverHeap);
      case GPU -> new MemoryPlan(NATIVE_BASE_OF_GPU, onGpu, workerHeap, driverHeap);
      case AUTO ->
          new MemoryPlan(Math.max(onCpu, NATIVE_BASE_OF_GPU), onGpu, workerHeap, driverHeap);
    };
  }

  /**
   * Adds up for commands that only read a model, one row at a time.
   *
   * @param parameters of the model
   */
  public static MemoryPlan ofInference(ModelConfig model, long parameters, Device device) {
    return ofReading(model, parameters, Math.min(model.maxPositions(), INFERENCE_TOKENS), device);
  }

  /**
   * @param tokens of the sequences that are read at a time
   */
  private static MemoryPlan ofReading(
      ModelConfig model, long parameters, long tokens, Device device) {
    // The current layer's values, and the keys and values of all.
    long kept = perLayer(model) + keysAndValues(model);
    return of(device, parameters + tokens * kept, tokens, model, HEAP_BASE, HEAP_BASE);
  }

  private static long longest(RunConfig run, ModelConfig model) {
    long rows = run.data().maxLength().orElse(model.maxPositions());
    return Math.min(
        rows + (isOnline(run) ? run.rollout().maxCompletionLength() : 0), model.maxPositions());
  }

  private static boolean isOnline(RunConfig run) {
    return !run.rewards().isEmpty();
  }

  /**
   * Keys and values of the completions of a unit, twice while finished ones are dropped, and the
   * reference where it is a model of its own.
   */
  private static long ofRollouts(RunConfig run, ModelConfig model, long parameters) {
    if (!isOnline(run)) {
      return 0;
    }
    long completions =
        run.rounds() > 0
            ? run.rollout().numGenerations()
            : (long) run.rollout().batchSize() * run.objective().numGenerations();
    boolean hasReference = objective(run).reference() != ReferenceUse.NONE;
    boolean isOwn = hasReference && !PolicyTaskFactory.isPolicyWithoutAdapter(run);
    return 2 * completions * longest(run, model) * keysAndValues(model) + (isOwn ? parameters : 0);
  }

  /** Of one token in all layers. */
  private static long keysAndValues(ModelConfig model) {
    return 2L * model.layers() * model.attention().keyValueHeads() * model.attention().headDim();
  }

  /** Of two jobs that follow each other, the one that needs more. */
  private MemoryPlan orMore(MemoryPlan other) {
    return new MemoryPlan(
        Math.max(workerNative, other.workerNative),
        Math.max(workerGpu, other.workerGpu),
        Math.max(workerHeap, other.workerHeap),
        Math.max(driverHeap, other.driverHeap));
  }

  /**
   * Numbers that a layer keeps of a token, about: the residual stream, norms and the products' own
   * copies (9 hidden), queries, keys, values and their rotations (2 each), the attention's output,
   * and the MLP's inner values (4 intermediate).
   */
  private static long perLayer(ModelConfig model) {
    long attention =
        (long) model.attention().headDim()
            * (2L * model.attention().heads() + 4L * model.attention().keyValueHeads());
    return 9L * model.hiddenSize() + attention + 4L * model.intermediateSize();
  }

  /** Logits, their softmax and its gradient, at most a chunk at a time; of scores next to none. */
  private static long logits(long tokens, ModelConfig model, Kind kind) {
    if (model.isClassifier()) {
      return 0;
    }
    return 3L * Math.min(tokens * model.vocabSize(), Decoder.chunkLogits(kind));
  }

  /** Weights of a reference that runs beside the policy, of the policy's size. */
  private static long besidePolicy(RunConfig run, long parameters) {
    boolean reads = objective(run).quantities().stream().anyMatch(Quantity::readsReference);
    return reads && !PolicyTaskFactory.isPolicyWithoutAdapter(run) ? parameters : 0;
  }

  /** Weights of a reference that follows the policy. */
  private static int movingReference(RunConfig run) {
    return objective(run).sync().isPresent() ? 1 : 0;
  }

  private static int sequencesPerRow(RunConfig run) {
    return objective(run).roles().size();
  }

  private static Declaration objective(RunConfig run) {
    return Objectives.create(run.objective().name(), run.objective().options()).declaration();
  }

  /**
   * Sets {@code spark.executor.memoryOverhead} where it is unset and refuses a smaller one.
   *
   * @throws CollimateException (resources) with the sum where something is too small
   */
  public void applyTo(SparkConf spark) {
    if (spark.get("spark.master", "").matches("local(\\[.*)?")) {
      // The one worker lives in the driver's JVM, which has no container to outgrow.
      require(
          Runtime.getRuntime().maxMemory(),
          driverHeap + workerHeap - HEAP_BASE,
          "spark.driver.memory",
          OF_DRIVER + ", and what a worker holds on the same heap");
      return;
    }
    require(Runtime.getRuntime().maxMemory(), driverHeap, "spark.driver.memory", OF_DRIVER);
    String overheadKey = "spark.executor.memoryOverhead";
    if (!spark.contains(overheadKey)) {
      spark.set(overheadKey, inMebibytes(workerNative) + "m");
    } else {
      require(
          JavaUtils.byteStringAsBytes(withUnit(spark.get(overheadKey))),
          workerNative,
          overheadKey,
          "libtorch, weights, activations and gradients");
    }
    require(
        JavaUtils.byteStringAsBytes(withUnit(spark.get("spark.executor.memory", "1g"))),
        workerHeap,
        "spark.executor.memory",
        "what a worker holds on its heap");
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
