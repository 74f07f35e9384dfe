package dev.collimate.storage;

import java.io.IOException;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;

/**
 * Local files under the scheme {@code failing}, which does not rename atomically, as object stores
 * do not; some of its files cannot be opened, as when a machine does not answer.
 */
public final class FailingFileSystem extends RawLocalFileSystem {

  private static final String REFUSED = "fs.failing.refused";

  /** Makes the scheme known; files whose names match cannot be opened. */
  public static void register(Configuration configuration, String refusedNames) {
    configuration.set("fs.failing.impl", FailingFileSystem.class.getName());
    configuration.setBoolean("fs.failing.impl.disable.cache", true);
    configuration.set(REFUSED, refusedNames);
  }

  /** A local path under the scheme. */
  public static String path(java.nio.file.Path local) {
    return "failing://" + local;
  }

  @Override
  public String getScheme() {
    return "failing";
  }

  @Override
  public URI getUri() {
    return URI.create("failing:///");
  }

  @Override
  public FSDataInputStream open(Path file, int bufferSize) throws IOException {
    if (file.getName().matches(getConf().get(REFUSED))) {
      throw new IOException("connection reset while opening " + file.getName());
    }
    return super.open(file, bufferSize);
  }
}
