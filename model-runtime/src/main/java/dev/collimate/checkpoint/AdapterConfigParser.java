package dev.collimate.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import java.util.List;
import java.util.Set;

/**
 * adapter_config.json to {@link AdapterConfig} and back. Every key that no line here reads must be
 * null, false or empty: PEFT's options change what the factors mean.
 */
final class AdapterConfigParser {

  static final String FILE = "adapter_config.json";

  private static final Set<String> HARMLESS =
      Set.of(
          "auto_mapping",
          "inference_mode",
          "revision",
          "megatron_core",
          "qalora_group_size",
          "peft_version",
          // GPT-2's transposed weights follow from the model; PEFT corrects the flag itself.
          "fan_in_fan_out");

  /** The names that PEFT gives to the heads of classifiers; here it is always {@code score}. */
  private static final Set<String> SAVED_HEADS = Set.of("score", "classifier");

  private AdapterConfigParser() {}

  static AdapterConfig parse(Folder folder) {
    String source = "%s in %s".formatted(FILE, folder.location());
    ConfigKeys keys = new ConfigKeys(JsonFile.read(folder, FILE), source);
    require(keys, "peft_type", "LORA");
    AdapterConfig.Task task = task(keys);
    if (keys.has("bias")) {
      require(keys, "bias", "none");
    }
    // PiSSA, OLoRA and the like change the base weights at the start.
    JsonNode init = keys.node("init_lora_weights");
    if (ConfigKeys.isActive(init)
        && !init.isBoolean()
        && !init.asText().equalsIgnoreCase("gaussian")) {
      throw keys.bad("init_lora_weights", "true, false and gaussian are supported");
    }
    int r = keys.size("r", 8);
    double alpha = keys.positiveNumber("lora_alpha", 8);
    double dropout = keys.dropout("lora_dropout", 0);
    boolean rslora = keys.flag("use_rslora", false);
    String baseModel = keys.text("base_model_name_or_path", "");
    TargetModules targets = targets(keys);
    keys.ignore(HARMLESS);
    List<String> unread = keys.unread();
    if (!unread.isEmpty()) {
      throw keys.bad(unread.get(0), "which is not supported; leave it out or empty");
    }
    return new AdapterConfig(r, alpha, dropout, targets, rslora, baseModel, task);
  }

  /** PEFT saves a classifier's head whether or not {@code modules_to_save} names it. */
  private static AdapterConfig.Task task(ConfigKeys keys) {
    String task = keys.text("task_type", "CAUSAL_LM");
    if (task.equals("CAUSAL_LM")) {
      return AdapterConfig.Task.CAUSAL_LM;
    }
    if (!task.equals("SEQ_CLS")) {
      throw keys.bad("task_type", "only CAUSAL_LM and SEQ_CLS are supported");
    }
    if (keys.has("modules_to_save") && !SAVED_HEADS.containsAll(keys.texts("modules_to_save"))) {
      throw keys.bad("modules_to_save", "only score is supported");
    }
    return AdapterConfig.Task.SEQ_CLS;
  }

  private static void require(ConfigKeys keys, String key, String value) {
    if (!keys.text(key, "").equals(value)) {
      throw keys.bad(key, "only %s is supported".formatted(value));
    }
  }

  private static TargetModules targets(ConfigKeys keys) {
    JsonNode value = keys.node("target_modules");
    if (!ConfigKeys.isActive(value)) {
      throw keys.bad("target_modules", "names, a regular expression or all-linear are expected");
    }
    try {
      return value.isTextual()
          ? TargetModules.of(value.textValue())
          : TargetModules.of(keys.texts("target_modules"));
    } catch (CollimateException e) {
      if (e.kind() == CollimateException.Kind.DATA) {
        throw e;
      }
      throw keys.bad("target_modules", e.getMessage());
    }
  }

  /** The keys that PEFT writes, sorted as PEFT sorts them. */
  static ObjectNode write(AdapterConfig config, AdapterLayout layout) {
    ObjectNode json = JsonFile.newObject();
    json.putObject("alpha_pattern");
    json.putNull("auto_mapping");
    if (config.baseModel().isEmpty()) {
      json.putNull("base_model_name_or_path");
    } else {
      json.put("base_model_name_or_path", config.baseModel());
    }
    json.put("bias", "none");
    json.put("fan_in_fan_out", layout.isTransposed());
    json.put("inference_mode", true);
    json.put("init_lora_weights", true);
    json.putNull("layer_replication");
    json.putNull("layers_pattern");
    json.putNull("layers_to_transform");
    json.putObject("loftq_config");
    putNumber(json, "lora_alpha", config.loraAlpha());
    json.put("lora_dropout", config.loraDropout());
    json.putNull("megatron_config");
    json.put("megatron_core", "megatron.core");
    if (config.task() == AdapterConfig.Task.SEQ_CLS) {
      json.putArray("modules_to_save").add("score");
    } else {
      json.putNull("modules_to_save");
    }
    json.put("peft_type", "LORA");
    json.put("r", config.r());
    json.putObject("rank_pattern");
    json.putNull("revision");
    if (config.targets() instanceof TargetModules.Expression expression) {
      json.put("target_modules", expression.text());
    } else {
      layout.targetNames(config.targets()).forEach(json.putArray("target_modules")::add);
    }
    json.put("task_type", config.task().name());
    json.put("use_dora", false);
    json.put("use_rslora", config.useRslora());
    return json;
  }

  /** Whole numbers stay whole, as people wrote them. */
  private static void putNumber(ObjectNode json, String key, double value) {
    if (value == Math.rint(value) && value < 1e9) {
      json.put(key, (int) value);
    } else {
      json.put(key, value);
    }
  }
}
