package dev.collimate.cli;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.AdapterConfig;
import dev.collimate.checkpoint.AdapterFolder;
import dev.collimate.checkpoint.Dtype;
import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.TargetModules;
import dev.collimate.checkpoint.TensorFiles;
import dev.collimate.data.PreparedData;
import dev.collimate.files.Folder;
import dev.collimate.report.RunManifest;
import dev.collimate.storage.HadoopFolder;
import dev.collimate.storage.Storage;
import dev.collimate.train.CheckpointStore;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** What a folder holds, told from the file that makes it what it is. */
final class Inspection {

  /** The file that makes a folder a model, written last. */
  static final String MODEL_FILE = "config.json";

  private static final String ADAPTER_FILE = "adapter_config.json";
  private static final String RUN_FILE = "manifest.json";

  private Inspection() {}

  /** Facts by name, in reading order. */
  static Map<String, Object> of(String location, Configuration configuration) throws IOException {
    Folder folder = HadoopFolder.open("PATH", location, configuration);
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("path", location);
    if (folder.contains(ADAPTER_FILE)) {
      adapter(folder, facts);
    } else if (folder.contains(MODEL_FILE)) {
      model(folder, facts);
    } else if (folder.contains(RUN_FILE)) {
      run(new Path(location), configuration, facts);
    } else if (folder.contains(PreparedData.INDEX)) {
      data(PreparedData.open(new Path(location), configuration), facts);
    } else if (folder.contains(CheckpointStore.INDEX)) {
      facts.put("kind", "checkpoint");
      facts.putAll(CheckpointStore.describe(location, configuration));
    } else {
      throw CollimateException.usage(
          "PATH: '%s' is no folder that Collimate knows; a model has %s, an adapter %s, a run %s, a prepared data set %s, a checkpoint %s"
              .formatted(
                  location,
                  MODEL_FILE,
                  ADAPTER_FILE,
                  RUN_FILE,
                  PreparedData.INDEX,
                  CheckpointStore.INDEX));
    }
    return facts;
  }

  private static void model(Folder folder, Map<String, Object> facts) {
    try (ModelFolder model = ModelFolder.open(folder)) {
      ModelConfig config = model.config();
      facts.put("kind", "model");
      facts.put("family", name(config.family()));
      if (config.isClassifier()) {
        facts.put("num_labels", config.numLabels());
      }
      facts.put("parameters", model.layout().parameters().size());
      facts.put("layers", config.layers());
      facts.put("hidden_size", config.hiddenSize());
      facts.put("intermediate_size", config.intermediateSize());
      facts.put("attention_heads", config.attention().heads());
      facts.put("key_value_heads", config.attention().keyValueHeads());
      facts.put("vocab_size", config.vocabSize());
      facts.put("max_positions", config.maxPositions());
      facts.put("tied_embeddings", config.tiedEmbeddings());
      tensors(model.tensors(), facts);
      facts.put("tokenizer", model.hasTokenizer());
      facts.put("ignored_keys", config.ignoredKeys());
      facts.put("fingerprint", model.fingerprint());
    }
  }

  private static void adapter(Folder folder, Map<String, Object> facts) {
    try (AdapterFolder adapter = AdapterFolder.open(folder)) {
      AdapterConfig config = adapter.config();
      facts.put("kind", "adapter");
      facts.put("r", config.r());
      facts.put("lora_alpha", config.loraAlpha());
      facts.put("lora_dropout", config.loraDropout());
      facts.put("use_rslora", config.useRslora());
      facts.put("task_type", config.task().name());
      facts.put("target_modules", targets(config.targets()));
      facts.put("base_model", config.baseModel());
      TensorFiles tensors = adapter.tensors();
      facts.put("parameters", tensors.names().stream().mapToLong(tensors::elements).sum());
      tensors(tensors, facts);
      facts.put("fingerprint", adapter.fingerprint());
    }
  }

  private static List<String> targets(TargetModules targets) {
    if (targets instanceof TargetModules.Names names) {
      return names.names();
    }
    return List.of(
        targets instanceof TargetModules.Expression expression
            ? expression.text()
            : TargetModules.ALL_LINEAR);
  }

  private static void tensors(TensorFiles tensors, Map<String, Object> facts) {
    TreeSet<String> dtypes = new TreeSet<>();
    tensors.names().forEach(name -> dtypes.add(dtype(tensors.dtype(name))));
    facts.put("dtype", List.copyOf(dtypes));
    facts.put("tensors", tensors.names().size());
    facts.put("bytes", tensors.bytes());
  }

  private static String dtype(Dtype dtype) {
    return dtype.isWeight() ? dtype.torchName() : dtype.name();
  }

  private static void data(PreparedData data, Map<String, Object> facts) {
    PreparedData.Index index = data.index();
    facts.put("kind", "prepared data set");
    facts.put("sequences", index.roles());
    facts.put("train_rows", data.rows(PreparedData.Split.TRAIN));
    facts.put("eval_rows", data.rows(PreparedData.Split.EVAL));
    facts.put("tokens", index.train().stream().mapToLong(shard -> shard.tokens()).sum());
    facts.put("shards", index.train().size() + index.eval().size());
    facts.put("rows_read", index.accounting().read());
    facts.put("quarantined", index.accounting().quarantined());
  }

  private static void run(Path directory, Configuration configuration, Map<String, Object> facts)
      throws IOException {
    Path path = new Path(directory, RUN_FILE);
    RunManifest manifest = RunManifest.read(Storage.of(path, configuration), path).orElseThrow();
    facts.put("kind", "run");
    facts.put("state", name(manifest.state()));
    if (!manifest.failure().equals(RunManifest.Failure.NONE)) {
      facts.put("failure", manifest.failure().sentence());
    }
    facts.put("model", manifest.runFile().get("model"));
    facts.put("objective", manifest.runFile().get("objective"));
    facts.put("exact", manifest.exact());
    facts.put("versions", manifest.versions());
    facts.put("rows_read", manifest.accounting().read());
    facts.put("quarantined", manifest.accounting().quarantined());
    facts.put("training", manifest.training());
    facts.put("evaluation", manifest.evaluation());
    facts.put("files", manifest.files().stream().map(file -> file.name()).toList());
  }

  private static String name(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }
}
