package dev.collimate.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import dev.collimate.parameters.FlatVector;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdapterMergeTest {

  private static final int R = 2;

  @TempDir Path directory;

  @Test
  void aTargetGetsTheScaledProductAndOthersStay() {
    LocalFolder base = ToyFolders.model(directory.resolve("base"), ToyFolders.LLAMA);
    Merged merged = merge(base, "down_proj", SaveDtype.BASE);
    String name = "model.layers.1.mlp.down_proj";
    float[] before = merged.before().tensors().readFloat32(name + ".weight");
    float[] after = merged.after().tensors().readFloat32(name + ".weight");
    // [8 outputs, 20 inputs]
    for (int o = 0; o < 8; o++) {
      for (int i = 0; i < 20; i++) {
        assertThat(after[o * 20 + i])
            .isEqualTo((float) (before[o * 20 + i] + merged.delta(name, o, i, 20)));
      }
    }
    assertThat(merged.after().tensors().readFloat32("model.layers.1.mlp.up_proj.weight"))
        .isEqualTo(merged.before().tensors().readFloat32("model.layers.1.mlp.up_proj.weight"));
    merged.close();
  }

  @Test
  void aTransposedWeightGetsTheTransposedProduct() {
    LocalFolder base = ToyFolders.model(directory.resolve("base"), ToyFolders.GPT2);
    Merged merged = merge(base, "c_attn", SaveDtype.BASE);
    String name = "transformer.h.0.attn.c_attn";
    float[] before = merged.before().tensors().readFloat32(name + ".weight");
    float[] after = merged.after().tensors().readFloat32(name + ".weight");
    // [8 inputs, 24 outputs]
    for (int i = 0; i < 8; i++) {
      for (int o = 0; o < 24; o++) {
        assertThat(after[i * 24 + o])
            .isEqualTo((float) (before[i * 24 + o] + merged.delta(name, o, i, 8)));
      }
    }
    merged.close();
  }

  @Test
  void aTiedHeadThatTheAdapterChangesIsUntied() {
    LocalFolder base = ToyFolders.model(directory.resolve("base"), ToyFolders.LLAMA_TIED);
    Merged merged = merge(base, "lm_head", SaveDtype.BASE);
    float[] embedding = merged.before().tensors().readFloat32("model.embed_tokens.weight");
    float[] head = merged.after().tensors().readFloat32("lm_head.weight");
    assertThat(merged.after().config().tiedEmbeddings()).isFalse();
    assertThat(merged.after().tensors().readFloat32("model.embed_tokens.weight"))
        .isEqualTo(embedding);
    assertThat(head[3 * 8 + 5])
        .isEqualTo((float) (embedding[3 * 8 + 5] + merged.delta("lm_head", 3, 5, 8)));
    merged.close();
  }

  @Test
  void aTiedHeadThatTheAdapterLeavesStaysTied() {
    LocalFolder base = ToyFolders.model(directory.resolve("base"), ToyFolders.LLAMA_TIED);
    Merged merged = merge(base, "q_proj", SaveDtype.BFLOAT16);
    assertThat(merged.after().config().tiedEmbeddings()).isTrue();
    assertThat(merged.after().tensors().names()).doesNotContain("lm_head.weight");
    assertThat(merged.after().tensors().dtype("model.norm.weight")).isEqualTo(Dtype.BF16);
    merged.close();
  }

  @Test
  void aTargetsFactorsAreReadOnceAndReleasedWithItsLastValues() {
    LocalFolder base = ToyFolders.model(directory.resolve("base"), ToyFolders.LLAMA);
    merge(base, "down_proj", SaveDtype.BASE).close();
    AtomicInteger reads = new AtomicInteger();
    try (ModelFolder model = ModelFolder.open(base);
        AdapterFolder adapter =
            AdapterFolder.open(
                new WatchedFolder(
                    LocalFolder.existing(directory.resolve("adapter")),
                    new WatchedFolder.Watch() {
                      @Override
                      public void read(String name) {
                        reads.incrementAndGet();
                      }
                    }))) {
      OutTensor merged =
          AdapterMerge.tensors(model, adapter, SaveDtype.BASE, JsonFile.newObject()).stream()
              .filter(tensor -> tensor.name().equals("model.layers.1.mlp.down_proj.weight"))
              .findFirst()
              .orElseThrow();
      int opened = reads.get();
      merged.values().read(0, FloatBuffer.allocate(7));
      merged.values().read(7, FloatBuffer.allocate(8 * 20 - 7));
      assertThat(reads.get() - opened).as("A and B").isEqualTo(2);
      merged.values().read(0, FloatBuffer.allocate(7));
      assertThat(reads.get() - opened).as("A and B again").isEqualTo(4);
    }
  }

  private Merged merge(LocalFolder base, String target, SaveDtype dtype) {
    ModelFolder model = ModelFolder.open(base);
    AdapterConfig config = new AdapterConfig(R, 3, 0, TargetModules.of(List.of(target)), false, "");
    AdapterLayout layout = AdapterLayout.of(config, model.layout());
    FlatVector values = new FlatVector(layout.parameters().size());
    Random random = new Random(13);
    for (long i = 0; i < values.size(); i++) {
      values.set(i, (float) random.nextGaussian());
    }
    Path folder = directory.resolve("adapter");
    AdapterWriter.write(config, layout, values, SaveDtype.BASE, new LocalFolderSink(folder));
    AdapterFolder adapter = AdapterFolder.open(LocalFolder.existing(folder));
    Path out = directory.resolve("merged");
    AdapterMerge.write(model, adapter, dtype, new LocalFolderSink(out));
    return new Merged(model, adapter, ModelFolder.open(LocalFolder.existing(out)));
  }

  private record Merged(ModelFolder before, AdapterFolder adapter, ModelFolder after) {

    /** {@code 1.5 * sum_k B[o][k] A[k][i]}. */
    double delta(String module, int output, int input, int inputs) {
      String prefix = "base_model.model." + module;
      float[] a = adapter.tensors().readFloat32(prefix + ".lora_A.weight");
      float[] b = adapter.tensors().readFloat32(prefix + ".lora_B.weight");
      double sum = 0;
      for (int k = 0; k < R; k++) {
        sum += (double) b[output * R + k] * a[k * inputs + input];
      }
      return 1.5 * sum;
    }

    void close() {
      before.close();
      adapter.close();
      after.close();
    }
  }
}
