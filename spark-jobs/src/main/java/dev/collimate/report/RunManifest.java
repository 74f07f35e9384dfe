package dev.collimate.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.collimate.CollimateException;
import dev.collimate.data.Accounting;
import dev.collimate.storage.PublishedFile;
import dev.collimate.storage.Storage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.hadoop.fs.Path;

/**
 * {@code manifest.json} of a run directory: what ran, on what, with what result. It is replaced as
 * the run goes on; in state COMPLETE it lists every file of the result.
 *
 * @param version of this format
 * @param state how far the run is
 * @param failure what a failed run failed with
 * @param versions of Collimate, Spark, Java by name
 * @param runFile the resolved run file
 * @param model fingerprint and sizes of what is trained, by name
 * @param accounting of the rows read; no sources before {@code prepare}
 * @param training rows, steps and times of training, by name; empty before it ends
 * @param numerics the workers' numerics fingerprint
 * @param exact whether every worker had that fingerprint
 * @param evaluation metrics on the held-out rows, by name: of the model as it started and as it was
 *     saved
 * @param samples greedy completions of held-out prompts
 * @param files of the run directory, with checksums
 */
public record RunManifest(
    int version,
    State state,
    Failure failure,
    Map<String, String> versions,
    Map<String, Object> runFile,
    Map<String, Object> model,
    Accounting accounting,
    Map<String, Object> training,
    Map<String, String> numerics,
    boolean exact,
    Map<String, Map<String, Object>> evaluation,
    List<Sample> samples,
    List<PublishedFile> files) {

  /** This format. */
  public static final int VERSION = 1;

  /** Key of {@link #evaluation} for the model before training. */
  public static final String BEFORE = "before";

  /** Key of {@link #evaluation} for the result as saved. */
  public static final String AFTER = "after";

  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);

  /** How far a run is. */
  public enum State {
    RUNNING,
    TRAINED,
    COMPLETE,
    FAILED
  }

  /**
   * Why a run ended.
   *
   * @param exitCode 0 where it did not fail
   * @param kind of the failure, empty where there is none
   * @param sentence for the user
   */
  public record Failure(int exitCode, String kind, String sentence) {
    public static final Failure NONE = new Failure(0, "", "");
  }

  /** A prompt with what the model wrote before training and after it. */
  public record Sample(String prompt, String before, String after) {}

  public RunManifest {
    versions = Map.copyOf(versions);
    numerics = Map.copyOf(numerics);
    samples = List.copyOf(samples);
    files = List.copyOf(files);
  }

  /** A run that has begun. */
  public static RunManifest started(
      Map<String, String> versions, Map<String, Object> runFile, Map<String, Object> model) {
    return new RunManifest(
        VERSION,
        State.RUNNING,
        Failure.NONE,
        versions,
        runFile,
        model,
        new Accounting(List.of()),
        Map.of(),
        Map.of(),
        /* exact= */ true,
        Map.of(),
        List.of(),
        List.of());
  }

  public RunManifest withState(State newState, Failure newFailure) {
    return with(
        changed -> {
          changed.state = newState;
          changed.failure = newFailure;
        });
  }

  /** With one more fact of what is trained. */
  public RunManifest withModel(String name, Object value) {
    Map<String, Object> all = new LinkedHashMap<>(model);
    all.put(name, value);
    return with(changed -> changed.model = all);
  }

  public RunManifest withAccounting(Accounting rows) {
    return with(changed -> changed.accounting = rows);
  }

  public RunManifest withTraining(
      Map<String, Object> numbers, Map<String, String> fingerprint, boolean isExact) {
    return with(
        changed -> {
          changed.training = numbers;
          changed.numerics = fingerprint;
          changed.exact = isExact;
        });
  }

  public RunManifest withEvaluation(
      Map<String, Map<String, Object>> metrics, List<Sample> completions) {
    return with(
        changed -> {
          changed.evaluation = metrics;
          changed.samples = completions;
        });
  }

  public RunManifest withFiles(List<PublishedFile> published) {
    return with(changed -> changed.files = published);
  }

  private RunManifest with(Consumer<Draft> change) {
    Draft draft = new Draft(this);
    change.accept(draft);
    return new RunManifest(
        version,
        draft.state,
        draft.failure,
        versions,
        runFile,
        draft.model,
        draft.accounting,
        draft.training,
        draft.numerics,
        draft.exact,
        draft.evaluation,
        draft.samples,
        draft.files);
  }

  /** What changes as a run goes on. */
  private static final class Draft {
    private State state;
    private Failure failure;
    private Map<String, Object> model;
    private Accounting accounting;
    private Map<String, Object> training;
    private Map<String, String> numerics;
    private boolean exact;
    private Map<String, Map<String, Object>> evaluation;
    private List<Sample> samples;
    private List<PublishedFile> files;

    Draft(RunManifest manifest) {
      state = manifest.state;
      failure = manifest.failure;
      model = manifest.model;
      accounting = manifest.accounting;
      training = manifest.training;
      numerics = manifest.numerics;
      exact = manifest.exact;
      evaluation = manifest.evaluation;
      samples = manifest.samples;
      files = manifest.files;
    }
  }

  /** Replaces the file. */
  public void write(Storage storage, Path path) throws IOException {
    try {
      storage.replace(path, JSON.writeValueAsBytes(this));
    } catch (JsonProcessingException e) {
      throw new AssertionError("a record of plain values becomes JSON", e);
    }
  }

  /** Reads the file; empty where there is none. */
  public static Optional<RunManifest> read(Storage storage, Path path) throws IOException {
    byte[] json;
    try {
      json = storage.readReplaced(path);
    } catch (FileNotFoundException e) {
      return Optional.empty();
    }
    RunManifest manifest;
    try {
      manifest = JSON.readValue(json, RunManifest.class);
    } catch (JsonProcessingException e) {
      throw new CollimateException(
          CollimateException.Kind.DATA,
          "'%s' is no manifest of a run (%s)".formatted(path, e.getOriginalMessage()),
          e);
    }
    if (manifest.version() != VERSION) {
      throw CollimateException.data(
          "'%s' has manifest format %d, this version reads %d; choose another output"
              .formatted(path, manifest.version(), VERSION));
    }
    return Optional.of(manifest);
  }
}
