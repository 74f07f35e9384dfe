package dev.collimate.storage;

import dev.collimate.CollimateException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A Hadoop file system with what Collimate relies on: whole-file reads, replaced files, and whether
 * a rename is atomic.
 */
public final class Storage {

  private static final Set<String> ATOMIC_RENAME = Set.of("file", "hdfs", "viewfs", "ofs", "o3fs");

  /** Object stores that take a file as one put. */
  private static final Set<String> WHOLE_PUT = Set.of("s3a", "s3", "gs", "oss", "cosn", "obs");

  private final FileSystem fileSystem;

  Storage(FileSystem fileSystem) {
    this.fileSystem = fileSystem;
  }

  /**
   * The file system of a path. Local files are written without Hadoop's hidden {@code .crc}
   * companions, which would stand in published model folders; Collimate keeps checksums of its own.
   */
  public static Storage of(Path path, Configuration configuration) {
    try {
      FileSystem fileSystem = path.getFileSystem(configuration);
      return new Storage(
          fileSystem instanceof LocalFileSystem local ? local.getRawFileSystem() : fileSystem);
    } catch (IOException | RuntimeException e) {
      // A file system whose class is missing is a RuntimeException to Hadoop.
      throw new CollimateException(
          CollimateException.Kind.USAGE,
          "Cannot open the file system of '" + path + "': " + reason(e),
          e);
    }
  }

  /**
   * A location with its scheme, host and whole path; relative ones begin where Hadoop says.
   *
   * @param key the run file's key or the option that named it, for the message
   * @throws CollimateException (usage) where it is no location, or nothing here opens its scheme
   */
  public static String absolute(String key, String location, Configuration configuration) {
    try {
      Path path = new Path(location);
      return path.getFileSystem(configuration).makeQualified(path).toString();
    } catch (IOException | RuntimeException e) {
      throw new CollimateException(
          CollimateException.Kind.USAGE,
          "%s: cannot open '%s': %s".formatted(key, location, reason(e)),
          e);
    }
  }

  private static String reason(Exception e) {
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause.getMessage() == null
        ? cause.getClass().getSimpleName()
        : cause.getMessage().lines().findFirst().orElse("");
  }

  public FileSystem fileSystem() {
    return fileSystem;
  }

  /**
   * Whether a renamed directory appears whole or not at all; object stores copy object by object.
   */
  public boolean renamesAtomically() {
    URI uri = fileSystem.getUri();
    return ATOMIC_RENAME.contains(uri.getScheme());
  }

  /** Whether a file appears, or changes, at once when it is closed. */
  public boolean putsWhole() {
    return WHOLE_PUT.contains(fileSystem.getUri().getScheme());
  }

  public boolean exists(Path path) throws IOException {
    return fileSystem.exists(path);
  }

  /** Reads a small file whole; FileNotFoundException where it is missing. */
  public byte[] read(Path path) throws IOException {
    try (FSDataInputStream in = fileSystem.open(path)) {
      return in.readAllBytes();
    }
  }

  /**
   * Replaces a small file so that {@link #readReplaced} sees the old content or the new, never a
   * part: by a rename, or where the store is known for it, by writing over it.
   */
  public void replace(Path path, byte[] content) throws IOException {
    if (putsWhole()) {
      overwrite(path, content);
      return;
    }
    Path temporary = new Path(path.getParent(), "." + path.getName() + ".next");
    overwrite(temporary, content);
    if (!fileSystem.rename(temporary, path)) {
      // HDFS does not rename over an existing file. A reader that comes in between finds the
      // complete next file.
      fileSystem.delete(path, false);
      if (!fileSystem.rename(temporary, path)) {
        throw new IOException("cannot rename " + temporary + " to " + path);
      }
    }
  }

  /** Reads what {@link #replace} wrote, also where the writer died between its two steps. */
  public byte[] readReplaced(Path path) throws IOException {
    try {
      return read(path);
    } catch (FileNotFoundException missing) {
      try {
        return read(new Path(path.getParent(), "." + path.getName() + ".next"));
      } catch (FileNotFoundException gone) {
        // Between the two looks the writer may have renamed it.
        return read(path);
      }
    }
  }

  /**
   * Truncates and writes in place: the path never goes missing, but a reader may see it
   * half-written.
   */
  void overwrite(Path path, byte[] content) throws IOException {
    try (OutputStream out = fileSystem.create(path, /* overwrite= */ true)) {
      out.write(content);
    }
  }
}
