package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.config.RunConfig;
import dev.collimate.report.RunManifest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunRecordTest {

  @TempDir private Path output;

  @ParameterizedTest
  @CsvSource({
    "fingerprint, model",
    "adapter_fingerprint, adapter.path",
    "reference_fingerprint, reference_model",
    "value_fingerprint, value_model"
  })
  void otherFilesAtTheSamePathAreAnotherRun(String fingerprint, String key) throws IOException {
    open(Map.of(fingerprint, "of the first"));

    assertThatThrownBy(() -> open(Map.of(fingerprint, "of others")))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "%s: the files there are not those that the run in '%s' began with; put them back, or choose another output",
            key, output);
    assertThat(open(Map.of(fingerprint, "of the first")).manifest().model())
        .containsEntry(fingerprint, "of the first");
  }

  private RunRecord open(Map<String, Object> model) throws IOException {
    RunConfig run =
        RunConfig.read(
            "{model: m, output: o, data: {train: [{path: a.jsonl}]}, objective: {name: dpo}}",
            "run.yaml",
            List.of());
    return RunRecord.open(
        run,
        new RunDirectory(output.toString()),
        new Configuration(),
        () -> {},
        RunManifest.started(Map.of(), run.resolved(), model));
  }
}
