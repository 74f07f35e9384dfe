package dev.collimate.train;

import dev.collimate.data.Prepare;
import dev.collimate.data.PreparedData;
import dev.collimate.storage.Publication;
import dev.collimate.storage.PublishedFile;
import dev.collimate.storage.RunLock;
import dev.collimate.storage.Storage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/** The files of a finished run with their checksums, for its manifest. */
final class RunFiles {

  private static final Set<String> OWN = Set.of(RunLock.NAME, "manifest.json", "report.html");

  private RunFiles() {}

  /**
   * All files but the report, the manifest, the lock and hidden ones; checksums that the data's and
   * the checkpoints' indexes know are not computed again.
   */
  static List<PublishedFile> list(
      Storage storage, RunDirectory run, PreparedData data, CheckpointStore checkpoints) {
    List<PublishedFile> files = new ArrayList<>();
    try {
      Map<String, PublishedFile> known = new LinkedHashMap<>();
      for (PreparedData.Split split : PreparedData.Split.values()) {
        data.shards(split)
            .forEach(shard -> add(known, shard.file(), shard.bytes(), shard.sha256()));
      }
      data.index()
          .quarantine()
          .forEach(file -> add(known, file.name(), file.bytes(), file.sha256()));
      checkpoints.files().forEach(file -> known.put(file.name(), file));
      walk(storage, run.root(), "", known, files);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot list " + run.root(), e);
    }
    files.sort(Comparator.comparing(PublishedFile::name));
    return files;
  }

  private static void add(
      Map<String, PublishedFile> known, String file, long bytes, String sha256) {
    String name = Prepare.FOLDER + "/" + file;
    known.put(name, new PublishedFile(name, bytes, sha256));
  }

  private static void walk(
      Storage storage,
      Path root,
      String prefix,
      Map<String, PublishedFile> known,
      List<PublishedFile> files)
      throws IOException {
    Path directory = prefix.isEmpty() ? root : new Path(root, prefix);
    for (FileStatus entry : storage.fileSystem().listStatus(directory)) {
      String name = entry.getPath().getName();
      String relative = prefix + name;
      if (name.startsWith(".") || (prefix.isEmpty() && OWN.contains(name))) {
        continue;
      }
      if (entry.isDirectory()) {
        walk(storage, root, relative + "/", known, files);
      } else {
        PublishedFile file = known.get(relative);
        boolean isKnown = file != null && file.bytes() == entry.getLen();
        files.add(isKnown ? file : Publication.measure(storage, root, relative));
      }
    }
  }
}
