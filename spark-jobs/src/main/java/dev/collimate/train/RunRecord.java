package dev.collimate.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.collimate.CollimateException;
import dev.collimate.config.RunConfig;
import dev.collimate.data.Digest128;
import dev.collimate.report.RunManifest;
import dev.collimate.storage.RunLock;
import dev.collimate.storage.Storage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;

/**
 * The manifest of the run that this driver owns: read at the start, checked to be this run's,
 * replaced as it goes on.
 */
final class RunRecord {

  /** Of the manifest's model: the fingerprint of the files at {@code model}. */
  static final String MODEL_FINGERPRINT = "fingerprint";

  /** The same of those at {@code adapter.path}, where it is given. */
  static final String ADAPTER_FINGERPRINT = "adapter_fingerprint";

  /** The same of those at {@code reference_model}, where that is a folder. */
  static final String REFERENCE_FINGERPRINT = "reference_fingerprint";

  /** The same of those at {@code value_model}, where that is a folder. */
  static final String VALUE_FINGERPRINT = "value_fingerprint";

  /** The same of those of the rewards' models, where there are any. */
  private static final String REWARD_FINGERPRINT = "reward_fingerprint";

  private static final Map<String, String> KEY_OF_FINGERPRINT =
      Map.of(
          MODEL_FINGERPRINT, "model",
          ADAPTER_FINGERPRINT, "adapter.path",
          REFERENCE_FINGERPRINT, "reference_model",
          VALUE_FINGERPRINT, ValueFolder.KEY,
          REWARD_FINGERPRINT, "rewards[].model");

  private static final ObjectMapper JSON =
      new ObjectMapper().configure(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS, true);

  private final Storage storage;
  private final RunDirectory directory;
  private final Runnable ownership;
  private RunManifest manifest;

  private RunRecord(
      Storage storage, RunDirectory directory, Runnable ownership, RunManifest manifest) {
    this.storage = storage;
    this.directory = directory;
    this.ownership = ownership;
    this.manifest = manifest;
  }

  /**
   * Opens the record of a run directory, or begins one.
   *
   * @throws CollimateException (usage) where the directory holds another run, one of other model
   *     files, or files of something else
   */
  static RunRecord open(
      RunConfig run,
      RunDirectory directory,
      Configuration configuration,
      Runnable ownership,
      RunManifest fresh)
      throws IOException {
    Storage storage = Storage.of(directory.root(), configuration);
    Optional<RunManifest> present = RunManifest.read(storage, directory.manifest());
    if (present.isPresent()) {
      requireSame(run, present.get(), directory);
      requireSameFiles(present.get(), fresh, directory);
    } else {
      requireEmpty(storage, directory);
    }
    RunRecord record = new RunRecord(storage, directory, ownership, present.orElse(fresh));
    // Operational keys may have changed.
    record.update(
        manifest ->
            new RunManifest(
                manifest.version(),
                manifest.state() == RunManifest.State.FAILED
                    ? RunManifest.State.RUNNING
                    : manifest.state(),
                RunManifest.Failure.NONE,
                fresh.versions(),
                run.resolved(),
                allOf(manifest.model(), fresh.model()),
                manifest.accounting(),
                manifest.training(),
                manifest.numerics(),
                manifest.exact(),
                manifest.evaluation(),
                manifest.samples(),
                manifest.files()));
    return record;
  }

  /** Facts of before that are not said anew stand: those of rewards are told later. */
  private static Map<String, Object> allOf(Map<String, Object> before, Map<String, Object> now) {
    Map<String, Object> all = new LinkedHashMap<>(before);
    all.putAll(now);
    return all;
  }

  /**
   * Has the run go on with the reward models that it began with, or begin with these.
   *
   * @param fingerprint of their files; empty where there are none
   * @throws CollimateException (usage) where they are others
   */
  void holdRewards(String fingerprint) {
    if (!fingerprint.isEmpty()) {
      RunManifest fresh = manifest.withModel(REWARD_FINGERPRINT, fingerprint);
      requireSameFiles(manifest, fresh, directory);
      update(present -> present.withModel(REWARD_FINGERPRINT, fingerprint));
    }
  }

  private static void requireSame(RunConfig run, RunManifest present, RunDirectory directory) {
    List<String> differences = run.differences(RunConfig.ofResolved(present.runFile()));
    if (!differences.isEmpty()) {
      throw CollimateException.usage(
          "output: '%s' holds another run (%s); choose another output, or remove it"
              .formatted(directory.root(), String.join("; ", differences)));
    }
  }

  /** A path says nothing of the files there: a run goes on only with those that it began with. */
  private static void requireSameFiles(
      RunManifest present, RunManifest fresh, RunDirectory directory) {
    KEY_OF_FINGERPRINT.forEach(
        (name, key) -> {
          Object before = present.model().get(name);
          Object now = fresh.model().get(name);
          if (before != null && now != null && !before.equals(now)) {
            throw CollimateException.usage(
                "%s: the files there are not those that the run in '%s' began with; put them back, or choose another output"
                    .formatted(key, directory.root()));
          }
        });
  }

  private static void requireEmpty(Storage storage, RunDirectory directory) throws IOException {
    FileStatus[] entries;
    try {
      entries = storage.fileSystem().listStatus(directory.root());
    } catch (FileNotFoundException e) {
      return;
    }
    Arrays.stream(entries)
        .map(entry -> entry.getPath().getName())
        .filter(name -> !name.startsWith(".") && !name.equals(RunLock.NAME))
        .findFirst()
        .ifPresent(
            name -> {
              throw CollimateException.usage(
                  "output: '%s' holds '%s' but no run; choose an empty or new folder"
                      .formatted(directory.root(), name));
            });
  }

  /** Tells the checkpoints of one run from those of another. */
  static String identity(RunConfig run) {
    try {
      return Digest128.of(JSON.writeValueAsBytes(run.identity())).hex();
    } catch (JsonProcessingException e) {
      throw new AssertionError("a map of plain values becomes JSON", e);
    }
  }

  RunManifest manifest() {
    return manifest;
  }

  /** Replaces the manifest. */
  void update(UnaryOperator<RunManifest> change) {
    ownership.run();
    manifest = change.apply(manifest);
    try {
      manifest.write(storage, directory.manifest());
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + directory.manifest(), e);
    }
  }

  /** Versions of what takes part, by name. */
  static Map<String, String> versions(String spark) {
    String own = RunRecord.class.getPackage().getImplementationVersion();
    return Map.of(
        "collimate",
        own == null ? "development" : own,
        "spark",
        spark,
        "java",
        Runtime.version().toString());
  }
}
