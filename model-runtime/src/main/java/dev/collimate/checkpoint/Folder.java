package dev.collimate.checkpoint;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** A folder of files read by position: a local directory, or one on any Hadoop file system. */
public interface Folder {

  /** Where the folder is, for messages. */
  String location();

  /** Plain file names, sorted. */
  List<String> names() throws IOException;

  /** Opens a file; the caller closes it. Throws NoSuchFileException where it is missing. */
  File open(String name) throws IOException;

  default boolean contains(String name) throws IOException {
    return names().contains(name);
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
