package dev.collimate.train;

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
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/** The files of a finished run with their checksums, for its manifest. */
final class RunFiles {

  private RunFiles() {}

  /**
   * All files but the manifest, the lock and hidden ones; checksums that the data's index knows are
   * not computed again.
   */
  static List<PublishedFile> list(Storage storage, RunDirectory run, PreparedData data) {
    Map<String, PublishedFile> known = new LinkedHashMap<>();
    for (PreparedData.Split split : PreparedData.Split.values()) {
      data.shards(split)
          .forEach(
              shard ->
                  known.put(
                      "data/" + shard.file(),
                      new PublishedFile("data/" + shard.file(), shard.bytes(), shard.sha256())));
    }
    List<PublishedFile> files = new ArrayList<>();
    try {
      walk(storage, run.root(), "", known, files);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot list " + run.root(), e);
    }
    files.sort(Comparator.comparing(PublishedFile::name));
    return files;
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
      boolean own = prefix.isEmpty() && (name.equals(RunLock.NAME) || name.equals("manifest.json"));
      if (name.startsWith(".") || own) {
        continue;
      }
      if (entry.isDirectory()) {
        walk(storage, root, relative + "/", known, files);
      } else {
        PublishedFile file = known.get(relative);
        files.add(file != null ? file : Publication.measure(storage, root, relative));
      }
    }
  }
}
