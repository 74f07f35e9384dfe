package dev.collimate.storage;

import dev.collimate.files.FolderSink;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A directory that appears whole or not at all. Files are written beside the target where the file
 * system renames atomically, else at their final place; the last file, by which a reader knows that
 * the directory is complete, is written last of all and lists the others. Closing without {@link
 * #commit} removes what was written.
 */
public final class Publication implements FolderSink, AutoCloseable {

  private final Storage storage;
  private final Path target;
  private final Path workspace;
  private final Runnable ownership;
  private final List<PublishedFile> files = new ArrayList<>();
  private boolean committed;

  /**
   * @param ownership called before the directory becomes visible; throws where this process no
   *     longer owns the run
   */
  public Publication(Path target, Configuration configuration, Runnable ownership)
      throws IOException {
    this.storage = Storage.of(target, configuration);
    // A path made from a directory's URI may end in a slash, and then has no name.
    this.target = new Path(target.toString());
    this.ownership = ownership;
    this.workspace =
        storage.renamesAtomically()
            ? new Path(
                this.target.getParent(), "." + this.target.getName() + "." + UUID.randomUUID())
            : this.target;
    if (!storage.renamesAtomically()) {
      storage.fileSystem().delete(target, true);
    }
    storage.fileSystem().mkdirs(workspace);
  }

  /** Where the files stand until the commit; tasks on executors may write below it. */
  public Path workspace() {
    return workspace;
  }

  @Override
  public String location() {
    return target.toString();
  }

  @Override
  public OutputStream create(String name) throws IOException {
    DigestingStream digesting =
        new DigestingStream(
            storage.fileSystem().create(new Path(workspace, name), /* overwrite= */ true));
    return new FilterOutputStream(digesting) {
      private boolean closed;

      @Override
      public void write(byte[] buffer, int offset, int length) throws IOException {
        digesting.write(buffer, offset, length);
      }

      @Override
      public void close() throws IOException {
        if (closed) {
          return;
        }
        closed = true;
        super.close();
        record(new PublishedFile(name, digesting.bytes(), digesting.sha256()));
      }
    };
  }

  /**
   * Registers a file that a task wrote below {@link #workspace()}, with the checksum that the task
   * computed.
   */
  public synchronized void record(PublishedFile file) {
    files.add(file);
  }

  /** The files so far, by name. */
  public synchronized List<PublishedFile> files() {
    List<PublishedFile> sorted = new ArrayList<>(files);
    sorted.sort(Comparator.comparing(PublishedFile::name));
    return List.copyOf(sorted);
  }

  /**
   * Writes the last file and makes the directory visible.
   *
   * @param lastName by which a reader knows that the directory is complete
   * @param lastContent from the list of all other files
   */
  public void commit(String lastName, Function<List<PublishedFile>, byte[]> lastContent)
      throws IOException {
    ownership.run();
    write(lastName, lastContent.apply(files()));
    commit(lastName);
  }

  /** Makes the directory visible; its last file has been written already. */
  public void commit(String lastName) throws IOException {
    if (files.isEmpty() || !files.get(files.size() - 1).name().equals(lastName)) {
      throw new IllegalStateException("'" + lastName + "' must be the last file written");
    }
    ownership.run();
    FileSystem fileSystem = storage.fileSystem();
    if (!workspace.equals(target)) {
      if (fileSystem.exists(new Path(target, lastName))) {
        throw new IOException("'" + target + "' is already complete; it is never overwritten");
      }
      // A directory without its last file is a remnant. Hadoop's rename would nest the new one
      // inside it.
      fileSystem.delete(target, true);
      if (!fileSystem.rename(workspace, target)) {
        throw new IOException("cannot rename '" + workspace + "' to '" + target + "'");
      }
    }
    committed = true;
  }

  @Override
  public void close() throws IOException {
    if (!committed) {
      storage.fileSystem().delete(workspace, true);
    }
  }

  /** SHA-256 of a file's content, hexadecimal. */
  public static PublishedFile measure(Storage storage, Path directory, String name)
      throws IOException {
    MessageDigest digest = sha256();
    long bytes = 0;
    byte[] buffer = new byte[1 << 20];
    try (var in = storage.fileSystem().open(new Path(directory, name))) {
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        digest.update(buffer, 0, read);
        bytes += read;
      }
    }
    return new PublishedFile(name, bytes, HexFormat.of().formatHex(digest.digest()));
  }

  /** A SHA-256 that has seen nothing yet. */
  public static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
