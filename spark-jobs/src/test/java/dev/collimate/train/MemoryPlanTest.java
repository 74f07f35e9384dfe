package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.config.RunConfig;
import dev.collimate.data.ToyModel;
import dev.collimate.nn.ComputeDevice;
import dev.collimate.nn.Decoder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemoryPlanTest {

  private static final long GIB = 1L << 30;

  @Test
  void theOverheadIsSetWhereTheUserDidNot() {
    SparkConf spark = new SparkConf(false).set("spark.executor.memory", "2g");
    new MemoryPlan(3 * GIB, 0, GIB, GIB / 8).applyTo(spark);
    assertThat(spark.get("spark.executor.memoryOverhead")).isEqualTo("3072m");
  }

  @Test
  void aSmallerOverheadIsRefusedWithTheSum() {
    SparkConf spark =
        new SparkConf(false)
            .set("spark.executor.memory", "2g")
            .set("spark.executor.memoryOverhead", "384");
    assertThatThrownBy(() -> new MemoryPlan(3 * GIB, 0, GIB, GIB / 8).applyTo(spark))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "spark.executor.memoryOverhead: 384 MiB do not hold libtorch, weights, activations and gradients, which need"
                + " 3072 MiB; set it to 3072m");
  }

  @Test
  void aSmallHeapIsRefused() {
    SparkConf spark = new SparkConf(false).set("spark.executor.memory", "512m");
    assertThatThrownBy(() -> new MemoryPlan(GIB, 0, 2 * GIB, GIB / 8).applyTo(spark))
        .hasMessageContaining(
            "spark.executor.memory: 512 MiB do not hold what a worker holds on its heap");
  }

  @Test
  void inOneJvmTheHeapHoldsDriverAndWorker() {
    SparkConf spark = new SparkConf(false).set("spark.master", "local[*]");
    assertThatThrownBy(() -> new MemoryPlan(GIB, 0, Long.MAX_VALUE / 4, GIB / 8).applyTo(spark))
        .hasMessageContaining("spark.driver.memory: ")
        .hasMessageContaining("and what a worker holds on the same heap");
  }

  @Test
  void aGlobalBatchOfAnySizeIsPlanned() {
    MemoryPlan most = plan("train.global_batch_size=" + Integer.MAX_VALUE);
    MemoryPlan usual = plan("train.global_batch_size=64");
    assertThat(most.driverHeap()).isGreaterThan(usual.driverHeap());
  }

  @Test
  void noMoreLogitsAreHeldThanAChunk() {
    // 2 sequences of 512 tokens give 2^25 logits of a vocabulary of 2^15; a chunk holds half.
    long chunk = 3L * Float.BYTES * Decoder.chunkLogits(ComputeDevice.Kind.CPU);
    long narrow = plan(config(1), "data.max_length=512").workerNative();
    long wide = plan(config(1 << 15), "data.max_length=512").workerNative();
    assertThat(wide - narrow).isBetween(chunk - (1 << 20), chunk);
  }

  @Test
  void onAGpuTheTensorsCountThereAndNotInTheContainer() {
    MemoryPlan cpu = plan();
    MemoryPlan gpu = plan("cluster.device=gpu");
    assertThat(cpu.workerGpu()).isZero();
    assertThat(gpu.workerHeap()).isEqualTo(cpu.workerHeap());
    assertThat(gpu.workerGpu()).isGreaterThan(GIB);
    assertThat(plan("cluster.device=gpu", "train.micro_batch_size=64").workerGpu())
        .isGreaterThan(gpu.workerGpu());
    assertThat(plan("cluster.device=gpu", "train.micro_batch_size=64").workerNative())
        .isEqualTo(gpu.workerNative());
    assertThat(plan("cluster.device=auto").workerNative())
        .isEqualTo(Math.max(cpu.workerNative(), gpu.workerNative()));
  }

  @Test
  void aLargerReferenceModelCounts(@TempDir Path folder) throws IOException {
    ToyModel.write(folder.resolve("model"), 1);
    ToyModel.write(folder.resolve("reference"), 2, 40_000);
    MemoryPlan alone = planOf(folder, "reference_model=initial");
    MemoryPlan beside = planOf(folder, "reference_model=" + folder.resolve("reference"));
    assertThat(beside.workerNative()).isGreaterThan(alone.workerNative() + (1 << 20));
  }

  /** Weights, gradients and activations in the worker, and every vector of the driver. */
  @Test
  void aValueModelOfItsOwnCounts(@TempDir Path folder) throws IOException {
    ToyModel.write(folder.resolve("model"), 1);
    String[] ppo = {"objective={name: ppo}", "rewards=[{name: number_match}]"};
    MemoryPlan head = planOf(folder, ppo);
    MemoryPlan beside =
        planOf(folder, ppo[0], ppo[1], "value_model=" + folder.resolve("model").toString());
    // The toy's body without its output head, which the value model leaves out.
    long parameters = 320 * 16 + 2 * (16 * (16 + 8 + 8 + 16) + 3 * 16 * 40 + 32) + 16 + 16;
    assertThat(beside.workerNative() - head.workerNative())
        .isGreaterThan(2 * parameters * Float.BYTES);
    assertThat(beside.driverHeap() - head.driverHeap())
        .isGreaterThan(7 * (parameters - 16) * Float.BYTES);
  }

  private static MemoryPlan planOf(Path folder, String... overrides) {
    List<String> all = new ArrayList<>(List.of(overrides));
    all.add("model=" + folder.resolve("model"));
    RunConfig run = run(all.toArray(String[]::new));
    Configuration configuration = new Configuration();
    try (PolicySource policy = PolicySource.open(run, configuration)) {
      return MemoryPlan.of(run, policy, configuration);
    }
  }

  private static MemoryPlan plan(String... overrides) {
    return plan(config(320), overrides);
  }

  private static MemoryPlan plan(ModelConfig model, String... overrides) {
    return MemoryPlan.of(run(overrides), model, 1_000_000, 1_000_000);
  }

  private static RunConfig run(String... overrides) {
    return RunConfig.read(
        "{model: m, output: o, data: {train: [{path: a.jsonl}]}, objective: {name: dpo},"
            + " train: {micro_batch_size: 1}}",
        "run.yaml",
        List.of(overrides));
  }

  private static ModelConfig config(int vocabSize) {
    String json =
        """
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": %d,
         "hidden_size": 16, "intermediate_size": 40, "num_hidden_layers": 2,
         "num_attention_heads": 4, "max_position_embeddings": 512}"""
            .formatted(vocabSize);
    return ModelConfig.parse(json.getBytes(StandardCharsets.UTF_8), "the test's config");
  }

  @Test
  void aSmallDriverIsRefused() {
    SparkConf spark = new SparkConf(false).set("spark.executor.memory", "2g");
    assertThatThrownBy(() -> new MemoryPlan(GIB, 0, GIB, Long.MAX_VALUE / 2).applyTo(spark))
        .hasMessageContaining("spark.driver.memory: ");
  }
}
