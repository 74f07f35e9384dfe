package dev.collimate.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.CollimateException;
import dev.collimate.parameters.FlatVector;
import dev.collimate.storage.Publication;
import dev.collimate.storage.PublishedFile;
import dev.collimate.storage.Storage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The checkpoints of a run: {@code checkpoints/step-N} with the masters and the optimizer's vectors
 * as little-endian float32 and, written last, {@value #INDEX}, which lists them with their
 * checksums and ends in a checksum of its own. Under local steps the replicas' moments, which the
 * workers wrote, belong to it too: {@link ReplicaStore}.
 */
public final class CheckpointStore {

  /** The last file of a checkpoint: a line of JSON and a line with its SHA-256. */
  public static final String INDEX = "checkpoint.json";

  private static final Logger log = LoggerFactory.getLogger(CheckpointStore.class);
  private static final String PREFIX = "step-";
  private static final String SUFFIX = ".f32";
  private static final String MASTERS = "masters";
  private static final ObjectMapper JSON =
      new ObjectMapper().configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);

  private record Index(TrainingState.Progress progress, List<PublishedFile> files) {}

  private final RunDirectory run;
  private final Configuration configuration;
  private final Storage storage;
  private final ReplicaStore replicas;
  private final Runnable ownership;

  /**
   * @param ownership called before a checkpoint becomes visible; throws where the run was lost to
   *     another driver
   */
  CheckpointStore(RunDirectory run, Configuration configuration, Runnable ownership) {
    this.run = run;
    this.configuration = configuration;
    this.storage = Storage.of(run.root(), configuration);
    this.replicas = new ReplicaStore(run, configuration);
    this.ownership = ownership;
  }

  /** Throws where the run was lost to another driver. */
  void requireOwned() {
    ownership.run();
  }

  /** Publishes a checkpoint; one that is already complete stays as it is. */
  void save(TrainingState state) throws IOException {
    long step = state.progress().step();
    Path target = run.checkpoint(step);
    if (storage.exists(new Path(target, INDEX))) {
      if (isIntact(step)) {
        return;
      }
      ownership.run();
      storage.fileSystem().delete(target, true);
    }
    storage.fileSystem().mkdirs(run.checkpoints());
    try (Publication publication = new Publication(target, INDEX, configuration, ownership)) {
      write(publication, MASTERS, state.masters());
      for (Map.Entry<String, FlatVector> vector : state.optimizer().entrySet()) {
        write(publication, vector.getKey(), vector.getValue());
      }
      publication.commit(files -> index(new Index(state.progress(), files)));
    }
  }

  /**
   * Removes all but the newest checkpoints up to the one just saved and the best one, which takes
   * the place of the oldest of them; the one just saved stays with it where the limit is 1.
   * Directories of later steps are damaged ones that a resume passed over: they count for nothing,
   * and training writes them anew.
   *
   * @param saved step of the checkpoint just saved, which stays
   * @param best step of the one that stays beside; empty: none
   */
  void keepNewest(OptionalInt limit, long saved, OptionalLong best) throws IOException {
    if (limit.isEmpty()) {
      return;
    }
    List<Long> steps = steps().stream().filter(n -> n <= saved).toList();
    boolean isOlder =
        best.isPresent() && steps.stream().limit(limit.getAsInt()).noneMatch(isBest(best));
    int newest = isOlder ? Math.max(1, limit.getAsInt() - 1) : limit.getAsInt();
    for (long step : steps.stream().skip(newest).filter(isBest(best).negate()).toList()) {
      ownership.run();
      storage.fileSystem().delete(run.checkpoint(step), true);
      replicas.delete(step);
    }
  }

  private static Predicate<Long> isBest(OptionalLong best) {
    return step -> best.isPresent() && best.getAsLong() == step;
  }

  /**
   * The newest checkpoint that is whole; damaged ones are named and passed over.
   *
   * @return empty where none was ever completed
   * @throws CollimateException (data) where there are checkpoints and all are damaged: starting
   *     again from the first step is for a person to decide
   */
  Optional<TrainingState> newest() throws IOException {
    Optional<String> newestDamage = Optional.empty();
    for (long step : steps()) {
      try {
        return Optional.of(load(step));
      } catch (DamagedFileException e) {
        log.warn(
            "Checkpoint {} is damaged ({}); going back to the one before it",
            run.checkpoint(step),
            e.getMessage());
        if (newestDamage.isEmpty() && storage.exists(new Path(run.checkpoint(step), INDEX))) {
          newestDamage = Optional.of(run.checkpoint(step) + ": " + e.getMessage());
        }
      }
    }
    if (newestDamage.isPresent()) {
      throw CollimateException.data(
          "No checkpoint can be read (%s); restore one, or remove '%s' to train from the first step"
              .formatted(newestDamage.get(), run.checkpoints()));
    }
    return Optional.empty();
  }

  /** Reads a checkpoint through without holding it: another state is held while this runs. */
  private boolean isIntact(long step) throws IOException {
    try {
      requireIntact(run.checkpoint(step));
      return true;
    } catch (DamagedFileException e) {
      return false;
    }
  }

  private Index requireIntact(Path directory) throws IOException {
    Index index = readIndex(storage, directory);
    for (PublishedFile file : index.files()) {
      VectorFile.requireIntact(storage, directory, file, INDEX);
    }
    return index;
  }

  /** The files of all complete checkpoints, as their indexes list them, below the run directory. */
  List<PublishedFile> files() throws IOException {
    List<PublishedFile> files = new ArrayList<>();
    for (long step : steps()) {
      try {
        Index index = readIndex(storage, run.checkpoint(step));
        add(files, run.checkpoint(step), index.files());
        add(files, run.replicas(step), index.progress().replicas());
      } catch (DamagedFileException e) {
        log.warn("Checkpoint {} is damaged ({})", run.checkpoint(step), e.getMessage());
      }
    }
    return files;
  }

  private void add(List<PublishedFile> files, Path directory, List<PublishedFile> listed) {
    String prefix = run.root().toUri().relativize(directory.toUri()).getPath() + "/";
    listed.forEach(
        file -> files.add(new PublishedFile(prefix + file.name(), file.bytes(), file.sha256())));
  }

  /** Steps with a checkpoint directory, newest first. */
  List<Long> steps() throws IOException {
    List<Long> steps = new ArrayList<>();
    FileStatus[] entries;
    try {
      entries = storage.fileSystem().listStatus(run.checkpoints());
    } catch (FileNotFoundException e) {
      return steps;
    }
    for (FileStatus entry : entries) {
      String name = entry.getPath().getName();
      if (entry.isDirectory() && name.matches(PREFIX + "\\d+")) {
        steps.add(Long.parseLong(name.substring(PREFIX.length())));
      }
    }
    steps.sort(Comparator.reverseOrder());
    return steps;
  }

  /**
   * Reads a checkpoint; DamagedFileException where a file is missing, short or has another
   * checksum.
   */
  TrainingState load(long step) throws IOException {
    Path directory = run.checkpoint(step);
    Index index = readIndex(storage, directory);
    replicas.requireIntact(step, index.progress().replicas());
    return new TrainingState(
        index.progress(), read(directory, index, MASTERS), optimizer(directory, index));
  }

  private Map<String, FlatVector> optimizer(Path directory, Index index) throws IOException {
    Map<String, FlatVector> vectors = new TreeMap<>();
    for (PublishedFile file : index.files()) {
      if (file.name().endsWith(SUFFIX) && !file.name().equals(MASTERS + SUFFIX)) {
        String name = file.name().substring(0, file.name().length() - SUFFIX.length());
        vectors.put(name, read(directory, index, name));
      }
    }
    return vectors;
  }

  /**
   * What a checkpoint holds, by name, in reading order. Every byte of it is read and compared with
   * its checksum.
   *
   * @param location the checkpoint's folder
   * @throws CollimateException (data) where it is damaged, with what is
   */
  public static Map<String, Object> describe(String location, Configuration configuration) {
    Path directory = new Path(location);
    CheckpointStore store =
        new CheckpointStore(new RunDirectory(location), configuration, () -> {});
    try {
      Index index = store.requireIntact(directory);
      TrainingState.Progress progress = index.progress();
      Map<String, Object> facts = new LinkedHashMap<>();
      facts.put("step", progress.step());
      facts.put("epoch", progress.epoch());
      facts.put("parameters", progress.layout().size());
      facts.put("tensors", progress.layout().parameters().size());
      facts.put("bytes", index.files().stream().mapToLong(PublishedFile::bytes).sum());
      facts.put("exact", progress.exact());
      facts.put("numerics", new TreeMap<>(progress.numerics()));
      facts.put("run", progress.identity());
      return facts;
    } catch (IOException e) {
      throw new CollimateException(
          CollimateException.Kind.DATA,
          "The checkpoint '%s' is damaged: %s; a run goes on from the one before it"
              .formatted(location, e.getMessage()),
          e);
    }
  }

  private static Index readIndex(Storage storage, Path directory) throws IOException {
    byte[] content;
    try {
      content = storage.read(new Path(directory, INDEX));
    } catch (FileNotFoundException e) {
      throw new DamagedFileException(INDEX + " is missing", e);
    }
    String[] lines = new String(content, StandardCharsets.UTF_8).split("\n", -1);
    if (lines.length < 2 || !lines[1].equals(hex(Publication.sha256().digest(utf8(lines[0]))))) {
      throw new DamagedFileException(INDEX + " does not have the checksum that it states");
    }
    try {
      return JSON.readValue(lines[0], Index.class);
    } catch (JsonProcessingException e) {
      throw new DamagedFileException(INDEX + " cannot be read: " + e.getOriginalMessage(), e);
    }
  }

  private static byte[] index(Index index) {
    try {
      String json = JSON.writeValueAsString(index);
      return utf8(json + "\n" + hex(Publication.sha256().digest(utf8(json))) + "\n");
    } catch (JsonProcessingException e) {
      throw new AssertionError("a record of plain values becomes JSON", e);
    }
  }

  private static void write(Publication publication, String name, FlatVector vector)
      throws IOException {
    try (OutputStream out = publication.create(name + SUFFIX)) {
      VectorFile.write(vector, out);
    }
  }

  private FlatVector read(Path directory, Index index, String vectorName) throws IOException {
    String name = vectorName + SUFFIX;
    long size = index.progress().layout().size();
    PublishedFile file =
        index.files().stream()
            .filter(candidate -> candidate.name().equals(name))
            .findFirst()
            .orElseThrow(() -> new DamagedFileException(INDEX + " does not list " + name));
    if (file.bytes() != size * Float.BYTES) {
      throw new DamagedFileException(
          name + " has " + file.bytes() + " bytes for " + size + " parameters");
    }
    FlatVector vector = new FlatVector(size);
    VectorFile.read(storage, directory, file, List.of(vector), INDEX);
    return vector;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String hex(byte[] digest) {
    return HexFormat.of().formatHex(digest);
  }
}
