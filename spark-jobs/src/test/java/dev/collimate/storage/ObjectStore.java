package dev.collimate.storage;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.util.Progressable;

/**
 * Local files that behave as an object store's: a file appears when it is closed, a directory is
 * renamed by copying it file by file, and a rename never replaces a file. The configuration that
 * opens it tells it to fail, and may do so at any time.
 */
public final class ObjectStore extends RawLocalFileSystem {

  /** A scheme that Collimate knows nothing of, so it takes no rename for atomic. */
  public static final String UNKNOWN = "put";

  /** A scheme that is known for atomic renames, as a local mount of an object store has one. */
  public static final String MOUNTED = "ofs";

  /** Number of files after which the copying of a directory fails. */
  public static final String RENAME_FAILS_AFTER = "test.rename.fails.after";

  /** Whether closing a file fails and leaves it empty. */
  public static final String WRITES_ARE_TORN = "test.writes.are.torn";

  /** Whether opening a file fails. */
  public static final String READS_FAIL = "test.reads.fail";

  /** The only user who may open files. */
  public static final String READER = "test.reader";

  private URI uri;

  /** Opens {@code put:} and {@code ofs:}, and whatever else Hadoop opens. */
  public static Configuration configuration() {
    Configuration configuration = new Configuration();
    for (String scheme : new String[] {UNKNOWN, MOUNTED}) {
      configuration.setClass(
          "fs." + scheme + ".impl", ObjectStore.class, org.apache.hadoop.fs.FileSystem.class);
      configuration.setBoolean("fs." + scheme + ".impl.disable.cache", true);
    }
    return configuration;
  }

  @Override
  public void initialize(URI name, Configuration configuration) throws IOException {
    uri = URI.create(name.getScheme() + ":///");
    super.initialize(uri, configuration);
    setWorkingDirectory(new Path(getWorkingDirectory().toUri().getPath()));
  }

  /** Asked for by the constructor already. */
  @Override
  public URI getUri() {
    return uri == null ? super.getUri() : uri;
  }

  @Override
  public FSDataInputStream open(Path path, int bufferSize) throws IOException {
    if (getConf().getBoolean(READS_FAIL, false)) {
      throw new IOException("connection reset");
    }
    String user = UserGroupInformation.getCurrentUser().getUserName();
    if (!getConf().get(READER, user).equals(user)) {
      throw new IOException(user + " may not read");
    }
    return super.open(path, bufferSize);
  }

  @Override
  public FSDataOutputStream create(
      Path path,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    if (!overwrite && exists(path)) {
      throw new org.apache.hadoop.fs.FileAlreadyExistsException(path.toString());
    }
    return new FSDataOutputStream(new Upload(path), statistics);
  }

  @Override
  public FSDataOutputStream create(
      Path path,
      FsPermission permission,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    return create(path, overwrite, bufferSize, replication, blockSize, progress);
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    if (exists(to)) {
      return false;
    }
    if (!getFileStatus(from).isDirectory()) {
      return super.rename(from, to);
    }
    copy(from, to, getConf().getInt(RENAME_FAILS_AFTER, Integer.MAX_VALUE));
    return delete(from, true);
  }

  /** In the order of the names: one that readers wait for is seldom the last. */
  private void copy(Path from, Path to, int files) throws IOException {
    mkdirs(to);
    FileStatus[] entries = listStatus(from);
    Arrays.sort(entries);
    for (int i = 0; i < entries.length; i++) {
      if (i == files) {
        throw new IOException("connection reset");
      }
      Path entry = entries[i].getPath();
      Files.copy(pathToFile(entry).toPath(), pathToFile(new Path(to, entry.getName())).toPath());
    }
  }

  private final class Upload extends ByteArrayOutputStream {
    private final Path path;
    private boolean closed;

    Upload(Path path) {
      this.path = path;
    }

    @Override
    public void close() throws IOException {
      if (closed) {
        return;
      }
      closed = true;
      boolean torn = getConf().getBoolean(WRITES_ARE_TORN, false);
      mkdirs(path.getParent());
      Files.write(pathToFile(path).toPath(), torn ? new byte[0] : toByteArray());
      if (torn) {
        throw new IOException("connection reset");
      }
    }
  }
}
