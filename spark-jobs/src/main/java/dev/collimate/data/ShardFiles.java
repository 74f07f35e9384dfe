package dev.collimate.data;

import dev.collimate.storage.Publication;
import dev.collimate.storage.Storage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/**
 * The files that tasks wrote, taken into a publication. Where renaming is cheap they get their
 * plain names; on object stores they keep the attempt's.
 */
final class ShardFiles {

  private final Publication publication;
  private final Storage storage;
  private final Map<PlaceRows.Place, List<Shard>> files = new EnumMap<>(PlaceRows.Place.class);
  private final Set<String> taken = new HashSet<>();

  ShardFiles(Publication publication, Configuration configuration) {
    this.publication = publication;
    this.storage = Storage.of(publication.workspace(), configuration);
  }

  void add(WriteShard.Result result) throws IOException {
    Shard written = result.written();
    String name = written.file();
    if (storage.renamesAtomically()) {
      name = result.name();
      Path to = new Path(publication.workspace(), name);
      if (!storage.fileSystem().rename(new Path(publication.workspace(), written.file()), to)) {
        throw new IOException("cannot rename '%s' to '%s'".formatted(written.file(), to));
      }
    }
    taken.add(name);
    publication.record(WriteShard.published(name, written));
    files
        .computeIfAbsent(result.place(), place -> new ArrayList<>())
        .add(new Shard(name, written.rows(), written.tokens(), written.bytes(), written.sha256()));
  }

  /** Removes what lost or superseded attempts left. */
  void removeOthers() throws IOException {
    Path workspace = publication.workspace();
    String root = storage.fileSystem().makeQualified(workspace).toUri().getPath() + "/";
    RemoteIterator<LocatedFileStatus> found =
        storage.fileSystem().listFiles(workspace, /* recursive= */ true);
    while (found.hasNext()) {
      Path file = found.next().getPath();
      if (!taken.contains(file.toUri().getPath().substring(root.length()))) {
        storage.fileSystem().delete(file, /* recursive= */ false);
      }
    }
  }

  /** In order. */
  List<Shard> of(PlaceRows.Place place) {
    return List.copyOf(files.getOrDefault(place, List.of()));
  }

  long rows(PlaceRows.Place place) {
    return of(place).stream().mapToLong(Shard::rows).sum();
  }
}
