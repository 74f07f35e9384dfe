package dev.collimate.cli;

import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import dev.collimate.storage.HadoopFolder;
import dev.collimate.storage.Publication;
import dev.collimate.storage.Storage;
import java.io.FileNotFoundException;
import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** Files and folders that options name, on any Hadoop file system, without a Spark session. */
final class HadoopFiles {

  private static final String SPARK_PREFIX = "spark.hadoop.";

  private HadoopFiles() {}

  /** Hadoop's settings as spark-submit gives them: its files, and {@code spark.hadoop.*}. */
  static Configuration configuration() {
    Configuration configuration = new Configuration();
    System.getProperties()
        .stringPropertyNames()
        .forEach(
            name -> {
              if (name.startsWith(SPARK_PREFIX)) {
                configuration.set(name.substring(SPARK_PREFIX.length()), System.getProperty(name));
              }
            });
    return configuration;
  }

  static Folder folder(String option, String location) {
    return HadoopFolder.open(option, location, configuration());
  }

  /** A small file whole. */
  static byte[] read(String option, String location) {
    Configuration configuration = configuration();
    Path path = new Path(Storage.absolute(option, location, configuration));
    Storage storage = Storage.of(path, configuration);
    try {
      if (storage.fileSystem().getFileStatus(path).isDirectory()) {
        throw CollimateException.usage(option + ": '" + path + "' is a folder, not a file");
      }
      return storage.read(path);
    } catch (FileNotFoundException e) {
      throw CollimateException.usage(
          option + ": there is no file '" + path + "'" + remedy(location, path));
    } catch (IOException e) {
      throw new CollimateException(
          CollimateException.Kind.USAGE,
          option + ": cannot read '" + path + "': " + e.getMessage(),
          e);
    }
  }

  /** A relative path is looked up on the cluster; the file may well lie where it was written. */
  private static String remedy(String location, Path path) {
    boolean isElsewhere = !path.toUri().getScheme().equals("file");
    return isElsewhere && new Path(location).toUri().getScheme() == null
        ? "; write file:"
            + java.nio.file.Path.of(location).toAbsolutePath().normalize()
            + " for a file of this machine"
        : "";
  }

  /** The folder of a model, which must not exist yet. */
  static Publication newModel(String option, String location) throws IOException {
    Configuration configuration = configuration();
    Path path = new Path(Storage.absolute(option, location, configuration));
    if (Storage.of(path, configuration).exists(path)) {
      throw CollimateException.usage(
          option + ": '" + location + "' exists; name a folder that does not");
    }
    return new Publication(path, Inspection.MODEL_FILE, configuration, () -> {});
  }
}
