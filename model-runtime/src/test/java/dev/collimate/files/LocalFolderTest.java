package dev.collimate.files;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalFolderTest {

  @TempDir Path directory;

  @Test
  void whatWasWrittenIsReadByPosition() throws IOException {
    new LocalFolderSink(directory).write("b.txt", "0123456789".getBytes(UTF_8));
    new LocalFolderSink(directory).write("a.txt", new byte[0]);
    LocalFolder folder = LocalFolder.existing(directory);
    assertThat(folder.names()).containsExactly("a.txt", "b.txt");
    try (Folder.File file = folder.open("b.txt")) {
      ByteBuffer middle = ByteBuffer.allocate(3);
      file.read(4, middle);
      assertThat(middle.array()).isEqualTo("456".getBytes(UTF_8));
    }
    assertThat(folder.readWhole("b.txt")).isEqualTo("0123456789".getBytes(UTF_8));
  }

  @Test
  void aFileThatEndsTooEarlySaysSo() throws IOException {
    new LocalFolderSink(directory).write("b.txt", new byte[10]);
    try (Folder.File file = LocalFolder.existing(directory).open("b.txt")) {
      assertThatThrownBy(() -> file.read(8, ByteBuffer.allocate(4)))
          .isInstanceOf(EOFException.class)
          .hasMessageContaining("ends at byte 10, 2 more were wanted");
    }
  }

  @Test
  void missingFilesAndDirectoriesAreNamed() {
    assertThatThrownBy(() -> LocalFolder.existing(directory).open("none.json"))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("none.json");
    assertThatThrownBy(() -> LocalFolder.existing(directory.resolve("none")))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("is not a directory");
  }

  @Test
  void anExistingFileIsNeverWrittenOver() throws IOException {
    new LocalFolderSink(directory).write("b.txt", new byte[1]);
    assertThatThrownBy(() -> new LocalFolderSink(directory).create("b.txt"))
        .isInstanceOf(FileAlreadyExistsException.class)
        .hasMessageContaining("b.txt");
  }

  @Test
  void filesBeyondTwoGibibytesAreReadAcrossMappedSegments() throws IOException {
    Path path = directory.resolve("sparse.bin");
    long length = 2 * MappedFile.SEGMENT_BYTES + 4096;
    long border = 2 * MappedFile.SEGMENT_BYTES - 2;
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {1}), length - 1);
      channel.write(ByteBuffer.wrap(new byte[] {2, 3, 4, 5}), border);
    }
    try (Folder.File file = LocalFolder.existing(directory).open("sparse.bin")) {
      assertThat(file.length()).isEqualTo(length);
      ByteBuffer across = ByteBuffer.allocate(6);
      file.read(border - 1, across);
      assertThat(across.array()).containsExactly(0, 2, 3, 4, 5, 0);
      assertThatThrownBy(() -> file.read(length - 1, ByteBuffer.allocate(2)))
          .isInstanceOf(EOFException.class)
          .hasMessageContaining("ends at byte " + length);
    }
  }
}
