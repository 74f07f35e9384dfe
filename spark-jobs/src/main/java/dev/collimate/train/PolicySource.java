package dev.collimate.train;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.AdapterConfig;
import dev.collimate.checkpoint.AdapterFolder;
import dev.collimate.checkpoint.AdapterInit;
import dev.collimate.checkpoint.AdapterLayout;
import dev.collimate.checkpoint.AdapterWriter;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.ModelWriter;
import dev.collimate.checkpoint.SaveDtype;
import dev.collimate.checkpoint.TargetModules;
import dev.collimate.config.AdapterSection;
import dev.collimate.config.RunConfig;
import dev.collimate.files.Folder;
import dev.collimate.files.FolderSink;
import dev.collimate.nn.PolicyWithValues;
import dev.collimate.nn.ValueHead;
import dev.collimate.objective.Declaration;
import dev.collimate.objective.Objectives;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.storage.HadoopFolder;
import dev.collimate.storage.Publication;
import dev.collimate.storage.PublishedFile;
import dev.collimate.text.Tokenizer;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * The model that a run trains, as the driver sees it without libtorch: what is trained of it, the
 * values that training starts from, and how the result is written.
 */
public final class PolicySource implements AutoCloseable {

  /** An adapter on the model. */
  private record Adapter(
      AdapterConfig config, AdapterLayout layout, Optional<AdapterFolder> continued) {}

  private final ModelFolder model;
  private final Optional<Adapter> adapter;
  private final boolean hasValueHead;
  private final ValueFolder valueFolder;
  private final Configuration configuration;

  private PolicySource(
      ModelFolder model,
      Optional<Adapter> adapter,
      boolean hasValueHead,
      ValueFolder valueFolder,
      Configuration configuration) {
    this.model = model;
    this.adapter = adapter;
    this.hasValueHead = hasValueHead;
    this.valueFolder = valueFolder;
    this.configuration = configuration;
  }

  /** Opens the models and the adapter that a run file names; the caller closes it. */
  public static PolicySource open(RunConfig run, Configuration configuration) {
    ModelFolder model = openModel(run, configuration);
    ValueFolder valueFolder = new ValueFolder(Optional.empty());
    try {
      valueFolder = ValueFolder.open(run, configuration);
      valueFolder.requireFits(model);
      Optional<Adapter> adapter =
          run.adapter().map(section -> adapter(section, run.model(), model, configuration));
      return new PolicySource(model, adapter, hasValueHead(run), valueFolder, configuration);
    } catch (RuntimeException e) {
      valueFolder.close();
      model.close();
      throw e;
    }
  }

  /**
   * The model as the objective trains it: as it is, or for an objective of scores as a sequence
   * classifier, whose head is drawn from the run's seed where the folder has none.
   *
   * @throws CollimateException (usage) where a reward model stands for a language model; (data) as
   *     {@link ModelFolder}
   */
  static ModelFolder openModel(RunConfig run, Configuration configuration) {
    Folder folder = HadoopFolder.open("model", run.model(), configuration);
    Declaration objective =
        Objectives.create(run.objective().name(), run.objective().options()).declaration();
    if (objective.scores() > 0) {
      return ModelFolder.openClassifier(folder, objective.scores(), run.seed());
    }
    ModelFolder model = ModelFolder.open(folder);
    if (model.config().isClassifier()) {
      model.close();
      throw CollimateException.usage(
          "model: '%s' gives scores of sequences (a reward model), objective %s trains a causal language model"
              .formatted(run.model(), objective.name()));
    }
    return model;
  }

  private static Adapter adapter(
      AdapterSection section, String base, ModelFolder model, Configuration configuration) {
    if (section.path().isPresent()) {
      Folder folder = HadoopFolder.open("adapter.path", section.path().get(), configuration);
      AdapterFolder continued = AdapterFolder.open(folder);
      try {
        return new Adapter(
            continued.config(), continued.layout(model.layout()), Optional.of(continued));
      } catch (RuntimeException e) {
        continued.close();
        throw e;
      }
    }
    AdapterConfig config = freshAdapter(section, base, model);
    return new Adapter(config, AdapterLayout.of(config, model.layout()), Optional.empty());
  }

  /** The adapter that a section without a {@code path} describes. */
  static AdapterConfig freshAdapter(AdapterSection section, String base, ModelFolder model) {
    return new AdapterConfig(
        section.r(),
        section.loraAlpha(),
        section.loraDropout(),
        TargetModules.of(section.targetModules()),
        section.useRslora(),
        base,
        model.config().isClassifier() ? AdapterConfig.Task.SEQ_CLS : AdapterConfig.Task.CAUSAL_LM);
  }

  /** Whether the objective learns values of tokens, from a head beside the policy's. */
  static boolean hasValueHead(RunConfig run) {
    return run.objective().learnsValues() && run.valueFolder().isEmpty();
  }

  public ModelFolder model() {
    return model;
  }

  /** The value model, where it is a folder of its own. */
  Optional<ModelFolder> valueModel() {
    return valueFolder.model();
  }

  /** The model's tokenizer, where its folder has one; the caller closes it. */
  Optional<Tokenizer> tokenizer() throws IOException {
    return model.hasTokenizer() ? Optional.of(Tokenizer.load(model.folder())) : Optional.empty();
  }

  /**
   * What is trained: the adapter's factors where there is an adapter, else all weights; then, where
   * the objective learns values, the value head or all weights of the value model.
   */
  public ParameterLayout layout() {
    if (valueModel().isPresent()) {
      return PolicyWithValues.behind(policyLayout(), valueModel().get().layout().parameters());
    }
    return hasValueHead
        ? ValueHead.behind(policyLayout(), model.config().hiddenSize())
        : policyLayout();
  }

  private ParameterLayout policyLayout() {
    return adapter
        .map(present -> present.layout().parameters())
        .orElseGet(() -> model.layout().parameters());
  }

  /** The values that training starts from; a value head begins at zero. */
  FlatVector initial(long seed) {
    FlatVector policy = policyInitial(seed);
    if (!hasValueHead && valueModel().isEmpty()) {
      return policy;
    }
    FlatVector all = OwnPart.behind(policy, new FlatVector(layout().size()));
    valueModel()
        .ifPresent(values -> read(values, values.layout().parameters(), all, policy.size()));
    return all;
  }

  private FlatVector policyInitial(long seed) {
    if (adapter.isEmpty()) {
      return values(model);
    }
    AdapterLayout layout = adapter.get().layout();
    return adapter
        .get()
        .continued()
        .map(folder -> folder.values(layout))
        .orElseGet(() -> AdapterInit.values(layout, model, seed));
  }

  /**
   * The values of a published result, rounded as they were saved. What gives values of tokens is no
   * part of it: checkpoints alone have it.
   */
  FlatVector published(RunDirectory run) {
    Folder folder = HadoopFolder.open("output", directory(run).toString(), configuration);
    if (adapter.isPresent()) {
      try (AdapterFolder saved = AdapterFolder.open(folder)) {
        return saved.values(adapter.get().layout());
      }
    }
    try (ModelFolder saved = ModelFolder.open(folder)) {
      return values(saved);
    }
  }

  private FlatVector values(ModelFolder folder) {
    ParameterLayout layout = model.layout().parameters();
    FlatVector values = new FlatVector(layout.size());
    read(folder, layout, values, 0);
    return values;
  }

  private static void read(
      ModelFolder folder, ParameterLayout layout, FlatVector into, long first) {
    float[] chunk = new float[FlatVector.BLOCK];
    long offset = first;
    for (ParameterLayout.Parameter parameter : layout.parameters()) {
      for (long done = 0; done < parameter.size(); done += chunk.length) {
        int count = (int) Math.min(chunk.length, parameter.size() - done);
        folder.readFloat32(parameter.name(), done, FloatBuffer.wrap(chunk, 0, count));
        into.put(offset + done, FloatBuffer.wrap(chunk, 0, count));
      }
      offset += parameter.size();
    }
  }

  /** Where the result goes. */
  public Path directory(RunDirectory run) {
    return adapter.isPresent() ? run.adapter() : run.model();
  }

  /** The result's last file. */
  public String lastFile() {
    return adapter.isPresent() ? "adapter_config.json" : "config.json";
  }

  /** Publishes the result and lists its files. */
  List<PublishedFile> publish(
      RunDirectory run, FlatVector values, SaveDtype dtype, Runnable ownership) throws IOException {
    try (Publication publication =
        new Publication(directory(run), lastFile(), configuration, ownership)) {
      write(values, dtype, publication);
      publication.commit();
      return publication.files();
    }
  }

  private void write(FlatVector values, SaveDtype dtype, FolderSink sink) {
    if (adapter.isPresent()) {
      AdapterWriter.write(adapter.get().config(), adapter.get().layout(), values, dtype, sink);
    } else {
      ModelWriter.write(model, policyLayout(), values, dtype, sink);
    }
  }

  /** The fingerprints of the model's files, of the continued adapter's and the value model's. */
  Map<String, String> fingerprints() {
    Map<String, String> fingerprints = new LinkedHashMap<>();
    fingerprints.put(RunRecord.MODEL_FINGERPRINT, model.fingerprint());
    adapter
        .flatMap(Adapter::continued)
        .ifPresent(folder -> fingerprints.put(RunRecord.ADAPTER_FINGERPRINT, folder.fingerprint()));
    valueModel()
        .ifPresent(folder -> fingerprints.put(RunRecord.VALUE_FINGERPRINT, folder.fingerprint()));
    return fingerprints;
  }

  /** Tells the model, adapter and value model files of one worker from those of another. */
  String fingerprint() {
    return fingerprint(model, adapter.flatMap(Adapter::continued), valueFolder);
  }

  static String fingerprint(
      ModelFolder model, Optional<AdapterFolder> continued, ValueFolder values) {
    return model.fingerprint()
        + continued.map(folder -> "+" + folder.fingerprint()).orElse("")
        + values.model().map(folder -> "+values " + folder.fingerprint()).orElse("");
  }

  @Override
  public void close() {
    adapter.flatMap(Adapter::continued).ifPresent(AdapterFolder::close);
    valueFolder.close();
    model.close();
  }
}
