package dev.collimate.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.config.RunConfig;
import dev.collimate.report.RunManifest.Failure;
import dev.collimate.report.RunManifest.State;
import dev.collimate.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunManifestTest {

  @TempDir private java.nio.file.Path folder;
  private Path path;
  private Storage storage;

  @BeforeEach
  void openStorage() {
    path = new Path(folder.resolve("manifest.json").toUri());
    storage = Storage.of(path, new Configuration());
  }

  @Test
  void whatIsWrittenIsReadAgain() throws IOException {
    RunManifest manifest = ReportPageTest.manifest();
    manifest.write(storage, path);
    RunManifest read = RunManifest.read(storage, path).orElseThrow();
    assertThat(read.accounting()).isEqualTo(manifest.accounting());
    assertThat(read.samples()).isEqualTo(manifest.samples());
    assertThat(read.files()).isEqualTo(manifest.files());
    assertThat(read.state()).isEqualTo(State.COMPLETE);
    assertThat(read.numerics()).isEqualTo(manifest.numerics());
    read.write(storage, path);
    assertThat(RunManifest.read(storage, path)).contains(read);
  }

  @Test
  void theRunFileInAManifestIsTheSameRun() throws IOException {
    RunConfig run =
        RunConfig.read(
            """
            {model: m, output: o, seed: 7, data: {train: [{path: a.jsonl}]}, objective: {name: dpo},
             adapter: {r: 4}, train: {learning_rate: 5e-6, max_steps: 10}}
            """,
            "run.yaml",
            List.of());
    RunManifest.started(Map.of(), run.resolved(), Map.of()).write(storage, path);
    RunConfig stored =
        RunConfig.ofResolved(RunManifest.read(storage, path).orElseThrow().runFile());
    assertThat(run.differences(stored)).isEmpty();
    assertThat(stored).isEqualTo(run);
  }

  @Test
  void aFailureIsKept() throws IOException {
    ReportPageTest.manifest()
        .withState(State.FAILED, new Failure(3, "DATA", "data.train: no rows are left"))
        .write(storage, path);
    RunManifest read = RunManifest.read(storage, path).orElseThrow();
    assertThat(read.state()).isEqualTo(State.FAILED);
    assertThat(read.failure()).isEqualTo(new Failure(3, "DATA", "data.train: no rows are left"));
  }

  @Test
  void aKeyOfALaterVersionIsPassedOver() throws IOException {
    ReportPageTest.manifest().write(storage, path);
    java.nio.file.Path file = folder.resolve("manifest.json");
    Files.writeString(file, Files.readString(file).replaceFirst("\\{", "{\"later\": 1,"));
    assertThat(RunManifest.read(storage, path)).isPresent();
  }

  @Test
  void anotherFormatIsRefused() throws IOException {
    ReportPageTest.manifest().write(storage, path);
    java.nio.file.Path file = folder.resolve("manifest.json");
    Files.writeString(
        file, Files.readString(file).replaceFirst("\"version\" : 1", "\"version\" : 2"));
    assertThatThrownBy(() -> RunManifest.read(storage, path))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("has manifest format 2, this version reads 1");
  }

  @Test
  void aMissingManifestIsNone() throws IOException {
    assertThat(RunManifest.read(storage, path)).isEmpty();
  }

  @Test
  void aTornManifestIsBadData() throws IOException {
    Files.writeString(folder.resolve("manifest.json"), "{\"version\": 1,");
    assertThatThrownBy(() -> RunManifest.read(storage, path))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("is no manifest of a run");
  }
}
