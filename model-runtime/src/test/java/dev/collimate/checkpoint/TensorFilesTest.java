package dev.collimate.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import dev.collimate.files.LocalFolder;
import dev.collimate.parameters.HalfFloats;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TensorFilesTest {

  private static final String ONE_FLOAT =
      "{\"NAME\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}}";

  @TempDir Path directory;

  @Test
  void shardsAreReadThroughTheirIndex() {
    shard("one.safetensors", "a");
    shard("two.safetensors", "b");
    try (TensorFiles tensors =
        TensorFiles.openModel(index("{\"a\": \"one.safetensors\", \"b\": \"two.safetensors\"}"))) {
      assertThat(tensors.names()).containsExactly("a", "b");
      assertThat(tensors.bytes()).isEqualTo(8);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"a": "../one.safetensors"}      | puts tensor 'a' into "../one.safetensors"
          {"a": "/etc/one.safetensors"}    | the name of a .safetensors file in the same folder is expected
          {"a": "one.bin"}                 | puts tensor 'a' into "one.bin"
          {"a": 3}                         | puts tensor 'a' into 3
          {}                               | has no 'weight_map' object
          {"a": "none.safetensors"}        | 'none.safetensors' is missing
          {"z": "one.safetensors"}         | tensor 'z' is in 'one.safetensors', but it is in no file
          {"a": "two.safetensors", "b": "one.safetensors"} | tensor 'a' is in 'two.safetensors', but it is in 'one.safetensors'
          {"a": "one.safetensors", "b": "three.safetensors"} | Tensor 'a'
          """)
  void aBrokenIndexIsRefused(String weightMap, String message) {
    shard("one.safetensors", "a");
    shard("two.safetensors", "b");
    shard("three.safetensors", "a");
    LocalFolder folder = index(weightMap);
    assertThatThrownBy(() -> TensorFiles.openModel(folder))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining(message);
  }

  @Test
  void aPickleIsRefusedWithTheRemedy() {
    LocalFolder folder = ToyFolders.write(directory, "pytorch_model.bin", new byte[10]);
    assertThatThrownBy(() -> TensorFiles.openModel(folder))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("'pytorch_model.bin' in " + directory)
        .hasMessageContaining("never loaded; save the weights as safetensors");
  }

  @Test
  void aFolderWithoutWeightsIsRefused() {
    assertThatThrownBy(() -> TensorFiles.openModel(LocalFolder.existing(directory)))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("There is no 'model.safetensors'");
  }

  @Test
  void tensorsOfOtherTypesAreListedButNotRead() {
    LocalFolder folder =
        ToyFolders.write(
            directory,
            "model.safetensors",
            ToyFolders.safetensors(
                "{\"ids\": {\"dtype\": \"I64\", \"shape\": [1], \"data_offsets\": [0, 8]}}", 8));
    try (TensorFiles tensors = TensorFiles.openModel(folder)) {
      assertThat(tensors.dtype("ids")).isEqualTo(Dtype.I64);
      assertThatThrownBy(() -> tensors.readFloat32("ids"))
          .isInstanceOf(CollimateException.class)
          .hasMessageContaining("Tensor 'ids' of 'model.safetensors'")
          .hasMessageContaining("is I64, weights must be F32, F16 or BF16");
      assertThatThrownBy(() -> tensors.readFloat32("none"))
          .isInstanceOf(CollimateException.class)
          .hasMessageContaining("Tensor 'none' is missing");
    }
  }

  @Test
  void tensorsBeyondTwoGibibytesAreReadByPosition() throws IOException {
    long rows = 600_000_000L;
    String header =
        "{\"w\": {\"dtype\": \"F32\", \"shape\": [%d], \"data_offsets\": [0, %d]}}"
            .formatted(rows, rows * 4);
    byte[] start = ToyFolders.safetensors(header, 0);
    Path file = directory.resolve("model.safetensors");
    Files.write(file, start);
    // Sparse: only the end is stored.
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      ByteBuffer last = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      last.putFloat(1.5f).putFloat(-2.5f).flip();
      channel.write(last, start.length + rows * 4 - 8);
    }
    try (TensorFiles tensors = TensorFiles.openModel(LocalFolder.existing(directory))) {
      float[] values = new float[3];
      tensors.readFloat32("w", rows - 3, FloatBuffer.wrap(values));
      assertThat(values).containsExactly(0, 1.5f, -2.5f);
    }
  }

  @Test
  void aReadFillsWhatTheBufferHasLeft() {
    LocalFolder folder =
        ToyFolders.write(
            directory,
            "model.safetensors",
            ToyFolders.safetensors(
                "{\"h\": {\"dtype\": \"F16\", \"shape\": [4], \"data_offsets\": [0, 8]}}", 8));
    try (TensorFiles tensors = TensorFiles.openModel(folder)) {
      FloatBuffer into = FloatBuffer.allocate(5);
      into.position(1).limit(3);
      tensors.readFloat32("h", 2, into);
      assertThat(into.position()).isEqualTo(3);
      assertThat(into.get(0)).isZero();
      assertThat(into.get(1)).isEqualTo(HalfFloats.fromFloat16((short) 0x0504));
      assertThat(into.get(2)).isEqualTo(HalfFloats.fromFloat16((short) 0x0706));
    }
  }

  @Test
  void everyFileIsClosedAndTheFirstFailureIsKept() {
    shard("one.safetensors", "a");
    shard("two.safetensors", "b");
    List<String> closed = new ArrayList<>();
    Folder folder =
        unclosable(index("{\"a\": \"one.safetensors\", \"b\": \"two.safetensors\"}"), closed);
    TensorFiles tensors = TensorFiles.openModel(folder);
    closed.clear();
    assertThatThrownBy(tensors::close)
        .isInstanceOf(UncheckedIOException.class)
        .satisfies(e -> assertThat(e.getCause()).hasMessage("one.safetensors"))
        .satisfies(
            e ->
                assertThat(e.getCause().getSuppressed())
                    .singleElement()
                    .satisfies(other -> assertThat(other).hasMessage("two.safetensors")));
    assertThat(closed).containsExactly("one.safetensors", "two.safetensors");
  }

  @Test
  void aFileThatDoesNotCloseDoesNotHideWhatWasWrong() {
    shard("one.safetensors", "a");
    ToyFolders.write(directory, "two.safetensors", new byte[7]);
    List<String> closed = new ArrayList<>();
    Folder folder =
        unclosable(index("{\"a\": \"one.safetensors\", \"b\": \"two.safetensors\"}"), closed);
    assertThatThrownBy(() -> TensorFiles.openModel(folder))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("'two.safetensors' in " + directory + " has 7 bytes");
    assertThat(closed).containsExactly("one.safetensors", "two.safetensors");
  }

  private void shard(String file, String tensor) {
    ToyFolders.write(directory, file, ToyFolders.safetensors(ONE_FLOAT.replace("NAME", tensor), 4));
  }

  private LocalFolder index(String weightMap) {
    return ToyFolders.write(
        directory,
        "model.safetensors.index.json",
        "{\"metadata\": {}, \"weight_map\": " + weightMap + "}");
  }

  /** A folder whose weights fail as they close. */
  private static Folder unclosable(Folder folder, List<String> closed) {
    return new WatchedFolder(
        folder,
        new WatchedFolder.Watch() {
          @Override
          public void closed(String name) throws IOException {
            if (name.endsWith(".safetensors")) {
              closed.add(name);
              throw new IOException(name);
            }
          }
        });
  }
}
