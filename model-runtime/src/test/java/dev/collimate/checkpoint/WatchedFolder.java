package dev.collimate.checkpoint;

import dev.collimate.files.Folder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** A folder that tells what becomes of its files. */
record WatchedFolder(Folder folder, Watch watch) implements Folder {

  /** Hears of each file by name, and may fail in its place. */
  interface Watch {

    default void read(String name) throws IOException {}

    default void closed(String name) throws IOException {}
  }

  @Override
  public String location() {
    return folder.location();
  }

  @Override
  public List<String> names() throws IOException {
    return folder.names();
  }

  @Override
  public File open(String name) throws IOException {
    File file = folder.open(name);
    return new File() {
      @Override
      public long length() throws IOException {
        return file.length();
      }

      @Override
      public void read(long position, ByteBuffer into) throws IOException {
        watch.read(name);
        file.read(position, into);
      }

      @Override
      public void close() throws IOException {
        file.close();
        watch.closed(name);
      }
    };
  }
}
