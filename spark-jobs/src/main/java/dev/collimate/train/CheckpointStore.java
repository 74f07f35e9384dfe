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
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The checkpoints of a run: {@code checkpoints/step-N} with the three vectors as little-endian
 * float32 and, written last, {@value #INDEX}, which lists them with their checksums and ends in a
 * checksum of its own.
 */
public final class CheckpointStore {

  /** The last file of a checkpoint: a line of JSON and a line with its SHA-256. */
  public static final String INDEX = "checkpoint.json";

  private static final Logger log = LoggerFactory.getLogger(CheckpointStore.class);
  private static final String PREFIX = "step-";
  private static final String MASTERS = "masters.f32";
  private static final String FIRST_MOMENT = "exp_avg.f32";
  private static final String SECOND_MOMENT = "exp_avg_sq.f32";
  private static final ObjectMapper JSON =
      new ObjectMapper().configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);

  private record Index(TrainingState.Progress progress, List<PublishedFile> files) {}

  private final RunDirectory run;
  private final Configuration configuration;
  private final Storage storage;
  private final Runnable ownership;

  /**
   * @param ownership called before a checkpoint becomes visible; throws where the run was lost to
   *     another driver
   */
  CheckpointStore(RunDirectory run, Configuration configuration, Runnable ownership) {
    this.run = run;
    this.configuration = configuration;
    this.storage = Storage.of(run.root(), configuration);
    this.ownership = ownership;
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
    try (Publication publication = new Publication(target, configuration, ownership)) {
      write(publication, MASTERS, state.masters());
      write(publication, FIRST_MOMENT, state.firstMoment());
      write(publication, SECOND_MOMENT, state.secondMoment());
      publication.commit(INDEX, files -> index(new Index(state.progress(), files)));
    }
  }

  /** Removes all but the newest checkpoints. */
  void keepNewest(OptionalInt limit) throws IOException {
    if (limit.isEmpty()) {
      return;
    }
    List<Long> steps = steps();
    for (long step : steps.subList(Math.min(limit.getAsInt(), steps.size()), steps.size())) {
      ownership.run();
      storage.fileSystem().delete(run.checkpoint(step), true);
    }
  }

  /**
   * The newest checkpoint that is whole and of this run; damaged ones are named and passed over.
   */
  Optional<TrainingState> newest() throws IOException {
    for (long step : steps()) {
      try {
        return Optional.of(load(step));
      } catch (IOException e) {
        log.warn(
            "Checkpoint {} is damaged ({}); going back to the one before it",
            run.checkpoint(step),
            e.getMessage());
      }
    }
    return Optional.empty();
  }

  private boolean isIntact(long step) {
    try {
      load(step);
      return true;
    } catch (IOException e) {
      return false;
    }
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

  /** Reads a checkpoint; IOException where a file is missing, short or has another checksum. */
  TrainingState load(long step) throws IOException {
    Path directory = run.checkpoint(step);
    Index index = readIndex(storage, directory);
    long size = index.progress().layout().size();
    return new TrainingState(
        index.progress(),
        read(directory, index, MASTERS, size),
        read(directory, index, FIRST_MOMENT, size),
        read(directory, index, SECOND_MOMENT, size));
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
      Index index = readIndex(store.storage, directory);
      TrainingState.Progress progress = index.progress();
      for (String vector : List.of(MASTERS, FIRST_MOMENT, SECOND_MOMENT)) {
        store.read(directory, index, vector, progress.layout().size());
      }
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
    String[] lines =
        new String(storage.read(new Path(directory, INDEX)), StandardCharsets.UTF_8)
            .split("\n", -1);
    if (lines.length < 2 || !lines[1].equals(hex(sha256().digest(utf8(lines[0]))))) {
      throw new IOException(INDEX + " does not have the checksum that it states");
    }
    return JSON.readValue(lines[0], Index.class);
  }

  private static byte[] index(Index index) {
    try {
      String json = JSON.writeValueAsString(index);
      return utf8(json + "\n" + hex(sha256().digest(utf8(json))) + "\n");
    } catch (JsonProcessingException e) {
      throw new AssertionError("a record of plain values becomes JSON", e);
    }
  }

  private static void write(Publication publication, String name, FlatVector vector)
      throws IOException {
    try (OutputStream out = publication.create(name)) {
      byte[] bytes = new byte[FlatVector.BLOCK * Float.BYTES];
      for (int i = 0; i < vector.blockCount(); i++) {
        float[] block = vector.block(i);
        floats(bytes).put(block);
        out.write(bytes, 0, block.length * Float.BYTES);
      }
    }
  }

  private FlatVector read(Path directory, Index index, String name, long size) throws IOException {
    PublishedFile file =
        index.files().stream()
            .filter(candidate -> candidate.name().equals(name))
            .findFirst()
            .orElseThrow(() -> new IOException(INDEX + " does not list " + name));
    if (file.bytes() != size * Float.BYTES) {
      throw new IOException(name + " has " + file.bytes() + " bytes for " + size + " parameters");
    }
    FlatVector vector = new FlatVector(size);
    MessageDigest digest = sha256();
    try (InputStream in =
        new DigestInputStream(storage.fileSystem().open(new Path(directory, name)), digest)) {
      byte[] bytes = new byte[FlatVector.BLOCK * Float.BYTES];
      for (int i = 0; i < vector.blockCount(); i++) {
        float[] block = vector.block(i);
        int expected = block.length * Float.BYTES;
        if (in.readNBytes(bytes, 0, expected) < expected) {
          throw new IOException(name + " is shorter than the " + file.bytes() + " bytes listed");
        }
        floats(bytes).get(block);
      }
    }
    if (!hex(digest.digest()).equals(file.sha256())) {
      throw new IOException(name + " does not have the checksum that " + INDEX + " lists");
    }
    return vector;
  }

  private static FloatBuffer floats(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String hex(byte[] digest) {
    return HexFormat.of().formatHex(digest);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
