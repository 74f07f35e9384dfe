package dev.collimate.files;

import dev.collimate.CollimateException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** A folder of files read by position: a local directory, or one on any Hadoop file system. */
public interface Folder {

  /** Files of this size are never configuration. */
  long MAX_WHOLE_BYTES = 1L << 28;

  /** Where the folder is, for messages. */
  String location();

  /** Plain file names, sorted. */
  List<String> names() throws IOException;

  /** Opens a file; the caller closes it. Throws NoSuchFileException where it is missing. */
  File open(String name) throws IOException;

  default boolean contains(String name) throws IOException {
    return names().contains(name);
  }

  /**
   * A small file's bytes, whole; for configuration and tokenizer files, never for tensors.
   *
   * @throws CollimateException of kind DATA where the file has {@value #MAX_WHOLE_BYTES} bytes or
   *     more
   */
  default byte[] readWhole(String name) throws IOException {
    try (File file = open(name)) {
      long length = file.length();
      if (length >= MAX_WHOLE_BYTES) {
        throw CollimateException.data(
            "'%s' in %s has %d bytes, at most %d are read whole"
                .formatted(name, location(), length, MAX_WHOLE_BYTES));
      }
      byte[] bytes = new byte[(int) length];
      file.read(0, ByteBuffer.wrap(bytes));
      return bytes;
    }
  }

  /** An open file. Positioned reads may come from several threads. */
  interface File extends Closeable {
    long length() throws IOException;

    /**
     * Fills the buffer's remaining space from {@code position}; EOFException where the file ends
     * first.
     */
    void read(long position, ByteBuffer into) throws IOException;
  }
}
