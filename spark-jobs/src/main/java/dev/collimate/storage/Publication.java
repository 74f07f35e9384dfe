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
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A directory that appears whole or not at all. A reader knows by its last file that it is
 * complete. Files are written beside the target where the file system renames, else at their final
 * place; the last one arrives when all others are there. Closing without {@link #commit} removes
 * what was written.
 */
public final class Publication implements FolderSink, AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Publication.class);

  private final Storage storage;
  private final Path target;
  private final String lastName;
  private final Path workspace;
  private final Runnable ownership;
  private final List<PublishedFile> files = new ArrayList<>();
  private boolean committed;

  /**
   * @param lastName the file by which a reader knows that the directory is complete
   * @param ownership called before anything of the target changes; throws where this process no
   *     longer owns the run
   * @throws IOException also where the target is complete already
   */
  public Publication(Path target, String lastName, Configuration configuration, Runnable ownership)
      throws IOException {
    this.storage = Storage.of(target, configuration);
    // A path made from a directory's URI may end in a slash, and then has no name.
    this.target = new Path(target.toString());
    this.lastName = lastName;
    this.ownership = ownership;
    this.workspace =
        storage.renamesAtomically()
            ? new Path(
                this.target.getParent(), "." + this.target.getName() + "." + UUID.randomUUID())
            : this.target;
    requireIncomplete();
    if (isInPlace()) {
      ownership.run();
      storage.fileSystem().delete(this.target, true);
    }
    storage.fileSystem().mkdirs(workspace);
  }

  /** Whether files stand where readers look for them from the first on. */
  private boolean isInPlace() {
    return workspace.equals(target);
  }

  private void requireIncomplete() throws IOException {
    if (storage.exists(new Path(target, lastName))) {
      throw new IOException("'" + target + "' is already complete; it is never overwritten");
    }
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
    if (isInPlace() && name.equals(lastName)) {
      // With this file the directory is complete; the commit comes too late to ask.
      ownership.run();
    }
    DigestingStream digesting =
        new DigestingStream(
            storage.fileSystem().create(new Path(workspace, name), /* overwrite= */ false));
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
   * @param lastContent from the list of all other files
   */
  public void commit(Function<List<PublishedFile>, byte[]> lastContent) throws IOException {
    write(lastName, lastContent.apply(files()));
    commit();
  }

  /** Makes the directory visible; its last file has been written already. */
  public void commit() throws IOException {
    if (files.isEmpty() || !files.get(files.size() - 1).name().equals(lastName)) {
      throw new IllegalStateException("'" + lastName + "' must be the last file written");
    }
    if (!isInPlace()) {
      ownership.run();
      requireIncomplete();
      // Where a store behind the file system copies file by file, the last file must not arrive
      // before the others: it stands aside meanwhile.
      rename(new Path(workspace, lastName), aside());
      // A directory without its last file is a remnant. Hadoop's rename would nest the new one
      // inside it.
      storage.fileSystem().delete(target, true);
      rename(workspace, target);
      rename(aside(), new Path(target, lastName));
    }
    committed = true;
  }

  private Path aside() {
    return workspace.suffix(".last");
  }

  private void rename(Path from, Path to) throws IOException {
    if (!storage.fileSystem().rename(from, to)) {
      throw new IOException("cannot rename '" + from + "' to '" + to + "'");
    }
  }

  @Override
  public void close() throws IOException {
    if (committed || (isInPlace() && !isStillOurs())) {
      return;
    }
    storage.fileSystem().delete(workspace, true);
    if (!isInPlace()) {
      storage.fileSystem().delete(aside(), false);
    }
  }

  /** Another driver that took the run over writes to the same place. */
  private boolean isStillOurs() {
    try {
      ownership.run();
      return true;
    } catch (RuntimeException e) {
      log.warn("{} stays as it is: {}", target, e.getMessage());
      return false;
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
