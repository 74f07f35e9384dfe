package dev.collimate.reference;

import dev.collimate.checkpoint.AdapterFolder;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.config.AdapterSection;
import dev.collimate.config.RunConfig;
import dev.collimate.executor.ModelSpec;
import dev.collimate.nn.Precision;
import dev.collimate.storage.HadoopFolder;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;

/** Which model a run's policy is compared with. */
public final class ReferenceSource {

  private ReferenceSource() {}

  /**
   * The model that {@code reference_model} names. With a fresh adapter the model as it starts is
   * the base model; with a continued one it is the model with that adapter.
   */
  public static ModelSpec of(RunConfig run, Configuration configuration) {
    return switch (run.referenceModel()) {
      case RunConfig.INITIAL -> initial(run, configuration);
      case RunConfig.BASE -> spec(run, "model", run.model(), Optional.empty(), configuration);
      default ->
          spec(run, "reference_model", run.referenceModel(), Optional.empty(), configuration);
    };
  }

  /** The policy as the run starts from it. */
  public static ModelSpec initial(RunConfig run, Configuration configuration) {
    Optional<String> continued = run.adapter().flatMap(AdapterSection::path);
    return spec(run, "model", run.model(), continued, configuration);
  }

  /** Whether {@code reference_model} names a folder of its own. */
  public static boolean isFolder(RunConfig run) {
    return !run.referenceModel().equals(RunConfig.INITIAL)
        && !run.referenceModel().equals(RunConfig.BASE);
  }

  /**
   * The files of a model by content, for the key of values that runs share: models that differ in
   * one entry of one tensor must not. Every byte is read, on the driver and once in a run; SHA-256
   * takes a second or two for a GiB, so on most file systems it costs what one executor's loading
   * of the model costs.
   */
  static SortedMap<String, String> content(ModelSpec spec, Configuration configuration) {
    SortedMap<String, String> hashes = new TreeMap<>();
    try (ModelFolder model =
        ModelFolder.open(HadoopFolder.open("model", spec.model(), configuration))) {
      hashes.put("model", model.contentHash());
    }
    if (spec.adapterFolder().isPresent()) {
      try (AdapterFolder adapter =
          AdapterFolder.open(HadoopFolder.open("adapter", spec.adapter(), configuration))) {
        hashes.put("adapter", adapter.contentHash());
      }
    }
    return hashes;
  }

  private static ModelSpec spec(
      RunConfig run,
      String key,
      String model,
      Optional<String> adapter,
      Configuration configuration) {
    return ModelSpec.of(
            key,
            model,
            "adapter.path",
            adapter,
            Precision.valueOf(run.train().precision().name()),
            run.cluster().threads(),
            configuration)
        .requireCausal(key)
        .withSharing(run.reference().sharing())
        .on(run.cluster().device());
  }
}
