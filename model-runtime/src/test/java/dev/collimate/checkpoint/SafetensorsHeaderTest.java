package dev.collimate.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.files.LocalFolder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsHeaderTest {

  private static final String FILE = "model.safetensors";

  @TempDir Path directory;

  @Test
  void aHeaderGivesTypeShapeAndPlace() {
    LocalFolder folder =
        file(
            """
            {"__metadata__": {"format": "pt"},
             "b": {"dtype": "BF16", "shape": [2, 1], "data_offsets": [4, 8]},
             "a": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]},
             "empty": {"dtype": "I64", "shape": [0, 7], "data_offsets": [4, 4]}}\s\s""",
            8);
    try (TensorFiles tensors = TensorFiles.openModel(folder)) {
      assertThat(tensors.names()).containsExactly("a", "b", "empty");
      assertThat(tensors.dtype("b")).isEqualTo(Dtype.BF16);
      assertThat(tensors.shape("b")).containsExactly(2L, 1L);
      assertThat(tensors.shape("a")).isEmpty();
      assertThat(tensors.elements("empty")).isZero();
      assertThat(tensors.headers().get(0).metadata()).containsEntry("format", "pt");
      assertThat(tensors.readFloat32("b"))
          .containsExactly(Float.intBitsToFloat(0x05040000), Float.intBitsToFloat(0x07060000));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          [1]          | has a header that is not a JSON object
          {"a": 1}     | describes tensor 'a' by 1
          {"a          | has a header that is not the JSON object
          {} {}        | more than one JSON object
          {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], "x": 1}} | the unknown key 'x'
          {"a": {"dtype": "F3", "shape": [2], "data_offsets": [0, 8]}}      | the unknown dtype 'F3'
          {"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}    | integers of at least 0
          {"a": {"dtype": "F32", "shape": [2.0], "data_offsets": [0, 8]}}   | integers of at least 0
          {"a": {"dtype": "F32", "shape": 2, "data_offsets": [0, 8]}}       | a list is expected
          {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0]}}        | [begin, end] is expected
          {"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}     | tensor 'a' the bytes [8, 0)
          {"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}    | but the file holds [0, 8) after its header
          {"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}     | tensor 'a' 8 bytes, but shape [3] of F32 takes 12
          {"a": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 8]}} | beyond any file
          {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}     | holds 8 bytes after its header, but its tensors take 4
          {"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}     | a gap before tensor 'a'
          {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "b": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}} | tensors 'a' and 'b' overlapping at byte 4
          {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}} | each tensor may stand once: Duplicate field 'a'
          {"__metadata__": {"n": 1}, "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}} | a string is expected
          """)
  void aHostileHeaderIsRefusedByFileAndTensor(String header, String message) {
    assertRefused(file(header, 8), message);
  }

  @Test
  void aFileShorterThanItsLengthFieldIsRefused() {
    assertRefused(ToyFolders.write(directory, FILE, new byte[7]), "has 7 bytes");
  }

  @ParameterizedTest
  @CsvSource({
    "100, only 4 after the length",
    "-1, a header length of 18446744073709551615 bytes",
    "100000001, 2 to 100000000 are accepted",
    "0, 2 to 100000000 are accepted",
  })
  void aHeaderLengthBeyondTheFileIsRefused(long length, String message) {
    byte[] start = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array();
    byte[] bytes = ToyFolders.concat(start, "{}  ".getBytes(UTF_8));
    assertRefused(ToyFolders.write(directory, FILE, bytes), message);
  }

  @Test
  void aTruncatedFileIsRefused() {
    byte[] whole =
        ToyFolders.safetensors(
            "{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]}}", 8);
    byte[] cut = Arrays.copyOf(whole, whole.length - 3);
    assertRefused(
        ToyFolders.write(directory, FILE, cut),
        "gives tensor 'a' the bytes [0, 8), but the file holds [0, 5)");
  }

  private LocalFolder file(String header, int dataBytes) {
    return ToyFolders.write(directory, FILE, ToyFolders.safetensors(header, dataBytes));
  }

  private static void assertRefused(LocalFolder folder, String message) {
    assertThatThrownBy(() -> TensorFiles.openModel(folder))
        .isInstanceOfSatisfying(
            CollimateException.class,
            e -> assertThat(e.kind()).isEqualTo(CollimateException.Kind.DATA))
        .hasMessageContaining("'model.safetensors' in " + folder.location())
        .hasMessageContaining(message);
  }

  @Test
  void aHeaderThatIsNoTextIsRefused() {
    // Looks like UTF-32, of which 0x7fffffff is no character.
    byte[] json = {0, 0, 0, '{', 0x7f, -1, -1, -1};
    byte[] length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(8).array();
    assertRefused(
        ToyFolders.write(directory, FILE, ToyFolders.concat(length, json)),
        "has a header that is not the JSON object of a safetensors file: Invalid UTF-32");
  }
}
