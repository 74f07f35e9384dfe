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

  private final FileSystem fileSystem;

  private Storage(FileSystem fileSystem) {
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
    } catch (IOException | IllegalArgumentException e) {
      throw new CollimateException(
          CollimateException.Kind.USAGE,
          "Cannot open the file system of '" + path + "': " + e.getMessage(),
          e);
    }
  }

  /** A location with its scheme, host and whole path; relative ones begin where Hadoop says. */
  public static String absolute(String location, Configuration configuration) {
    Path path = new Path(location);
    return of(path, configuration).fileSystem().makeQualified(path).toString();
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
   * Replaces a small file so that a reader sees the old content or the new, where the file system
   * can rename; elsewhere an object store's put has the same effect.
   */
  public void replace(Path path, byte[] content) throws IOException {
    if (!renamesAtomically()) {
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
      Path temporary = new Path(path.getParent(), "." + path.getName() + ".next");
      if (!fileSystem.exists(temporary)) {
        throw missing;
      }
      return read(temporary);
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
