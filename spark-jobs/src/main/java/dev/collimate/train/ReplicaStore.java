package dev.collimate.train;

import dev.collimate.parameters.FlatVector;
import dev.collimate.storage.DigestingStream;
import dev.collimate.storage.PublishedFile;
import dev.collimate.storage.Storage;
import java.io.IOException;
import java.util.List;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The inner moments of the replicas under local steps, 8 bytes per parameter and replica: {@code
 * checkpoints/replicas/step-N/replica-R.f32}, first moment before second. Workers write them at
 * each synchronisation, so that whoever is given the replica next goes on with them.
 */
final class ReplicaStore {

  private final RunDirectory run;
  private final Configuration configuration;

  ReplicaStore(RunDirectory run, Configuration configuration) {
    this.run = run;
    this.configuration = configuration;
  }

  /**
   * Writes a replica's moments after a step. Several workers may do so at a time where a lease was
   * given out again: all write the same bytes, and the file is whole whenever it is there.
   */
  PublishedFile write(long step, int replica, FlatVector first, FlatVector second)
      throws IOException {
    Path directory = run.replicas(step);
    Storage storage = Storage.of(directory, configuration);
    FileSystem files = storage.fileSystem();
    String name = "replica-" + replica + ".f32";
    Path target = new Path(directory, name);
    Path written =
        storage.putsWhole() ? target : new Path(directory, "." + name + "." + UUID.randomUUID());
    DigestingStream out = new DigestingStream(files.create(written, /* overwrite= */ true));
    try (out) {
      VectorFile.write(first, out);
      VectorFile.write(second, out);
    }
    if (!written.equals(target) && !files.rename(written, target)) {
      files.delete(written, false);
      if (!files.exists(target)) {
        throw new IOException("cannot rename " + written + " to " + target);
      }
    }
    return new PublishedFile(name, out.bytes(), out.sha256());
  }

  /**
   * Reads a replica's moments.
   *
   * @throws DamagedFileException where the file is missing, short or has another checksum
   */
  void read(long step, PublishedFile file, FlatVector first, FlatVector second) throws IOException {
    Path directory = run.replicas(step);
    VectorFile.read(
        Storage.of(directory, configuration),
        directory,
        file,
        List.of(first, second),
        "the synchronisation");
  }

  /** DamagedFileException where a file of a step is missing or damaged. */
  void requireIntact(long step, List<PublishedFile> listed) throws IOException {
    Path directory = run.replicas(step);
    for (PublishedFile file : listed) {
      VectorFile.requireIntact(
          Storage.of(directory, configuration), directory, file, "the checkpoint's index");
    }
  }

  /** Removes the files of a step, if there are any. */
  void delete(long step) throws IOException {
    Path directory = run.replicas(step);
    Storage.of(directory, configuration).fileSystem().delete(directory, true);
  }
}
