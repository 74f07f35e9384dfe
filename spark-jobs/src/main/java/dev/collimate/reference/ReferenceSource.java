package dev.collimate.reference;

import dev.collimate.config.AdapterSection;
import dev.collimate.config.RunConfig;
import dev.collimate.executor.ModelSpec;
import dev.collimate.nn.Precision;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/** Which model a run's policy is compared with. */
public final class ReferenceSource {

  private ReferenceSource() {}

  /**
   * The model that {@code reference_model} names. With a fresh adapter the model as it starts is
   * the base model; with a continued one it is the model with that adapter.
   */
  public static ModelSpec of(RunConfig run, Configuration configuration) {
    Optional<String> continued = run.adapter().flatMap(AdapterSection::path);
    return switch (run.referenceModel()) {
      case RunConfig.INITIAL -> spec(run, "model", run.model(), continued, configuration);
      case RunConfig.BASE -> spec(run, "model", run.model(), Optional.empty(), configuration);
      default ->
          spec(run, "reference_model", run.referenceModel(), Optional.empty(), configuration);
    };
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
        configuration);
  }
}
