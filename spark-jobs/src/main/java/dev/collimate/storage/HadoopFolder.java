package dev.collimate.storage;

import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import dev.collimate.files.LocalFolder;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/**
 * A folder on any Hadoop file system, read by positioned reads; local folders are memory-mapped
 * instead.
 */
public final class HadoopFolder implements Folder {

  private static final int COPY_BUFFER = 4 << 20;

  private final Storage storage;
  private final Path path;

  private HadoopFolder(Storage storage, Path path) {
    this.storage = storage;
    this.path = path;
  }

  /**
   * Opens a folder.
   *
   * @param key the run file's key or the option that named it, for the message
   * @throws CollimateException (usage) where it is missing or no directory
   */
  public static Folder open(String key, String location, Configuration configuration) {
    Path path = new Path(Storage.absolute(key, location, configuration));
    Storage storage = Storage.of(path, configuration);
    try {
      if (!storage.fileSystem().getFileStatus(path).isDirectory()) {
        throw CollimateException.usage(key + ": '" + location + "' is a file, not a folder");
      }
    } catch (FileNotFoundException e) {
      throw CollimateException.usage(key + ": there is no folder '" + location + "'");
    } catch (IOException e) {
      throw new CollimateException(
          CollimateException.Kind.USAGE,
          key + ": cannot read '" + location + "': " + e.getMessage(),
          e);
    }
    if (storage.fileSystem().getUri().getScheme().equals("file")) {
      return LocalFolder.existing(java.nio.file.Path.of(path.toUri().getPath()));
    }
    return new HadoopFolder(storage, path);
  }

  @Override
  public String location() {
    return path.toString();
  }

  @Override
  public List<String> names() throws IOException {
    return Arrays.stream(storage.fileSystem().listStatus(path))
        .filter(FileStatus::isFile)
        .map(status -> status.getPath().getName())
        .sorted()
        .toList();
  }

  @Override
  public File open(String name) throws IOException {
    Path file = new Path(path, name);
    try {
      long length = storage.fileSystem().getFileStatus(file).getLen();
      return new HadoopFile(file.toString(), length, storage.fileSystem().open(file));
    } catch (FileNotFoundException e) {
      throw new NoSuchFileException(file.toString());
    }
  }

  private record HadoopFile(String name, long length, FSDataInputStream in) implements File {

    @Override
    public void read(long position, ByteBuffer into) throws IOException {
      if (position + into.remaining() > length) {
        throw new EOFException(
            name
                + " ends at byte "
                + length
                + ", "
                + (position + into.remaining())
                + " were asked for");
      }
      if (into.hasArray()) {
        in.readFully(
            position, into.array(), into.arrayOffset() + into.position(), into.remaining());
        into.position(into.limit());
        return;
      }
      byte[] buffer = new byte[Math.min(COPY_BUFFER, into.remaining())];
      while (into.hasRemaining()) {
        int count = Math.min(buffer.length, into.remaining());
        in.readFully(position, buffer, 0, count);
        into.put(buffer, 0, count);
        position += count;
      }
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}
