package dev.collimate.files;

import java.io.IOException;
import java.io.OutputStream;

/** A folder under construction, local or on any Hadoop file system. */
public interface FolderSink {

  /** Where the files go, for messages. */
  String location();

  /**
   * Creates a file; the caller writes and closes it. FileAlreadyExistsException where it exists.
   */
  OutputStream create(String name) throws IOException;

  /** Writes a small file whole. */
  default void write(String name, byte[] bytes) throws IOException {
    try (OutputStream out = create(name)) {
      out.write(bytes);
    }
  }
}
