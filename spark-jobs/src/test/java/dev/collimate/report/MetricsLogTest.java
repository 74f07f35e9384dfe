package dev.collimate.report;

import static org.assertj.core.api.Assertions.assertThat;

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

class MetricsLogTest {

  @TempDir private java.nio.file.Path folder;
  private Path path;
  private Storage storage;

  @BeforeEach
  void openStorage() {
    path = new Path(folder.resolve("metrics.jsonl").toUri());
    storage = Storage.of(path, new Configuration());
  }

  private MetricsLog logOfSteps(int... steps) throws IOException {
    MetricsLog log = MetricsLog.resume(storage, path, 0);
    for (int step : steps) {
      log.add(Map.of("step", step));
    }
    return log;
  }

  @Test
  void linesReachTheFileWithTheCheckpoint() throws IOException {
    MetricsLog log = logOfSteps(1, 2);
    assertThat(folder.resolve("metrics.jsonl")).doesNotExist();
    log.flush();
    assertThat(folder.resolve("metrics.jsonl")).hasContent("{\"step\":1}\n{\"step\":2}\n");
  }

  @Test
  void linesAfterAResumedStepAreDroppedAndWrittenAgain() throws IOException {
    logOfSteps(1, 2, 3, 4).flush();
    MetricsLog resumed = MetricsLog.resume(storage, path, 2);
    resumed.add(Map.of("step", 3, "loss", 0.5));
    resumed.flush();
    assertThat(MetricsLog.read(storage, path))
        .containsExactly(Map.of("step", 1), Map.of("step", 2), Map.of("step", 3, "loss", 0.5));
  }

  @Test
  void aFreshRunForgetsWhatWasThere() throws IOException {
    logOfSteps(1, 2).flush();
    MetricsLog.resume(storage, path, 0).flush();
    assertThat(folder.resolve("metrics.jsonl")).isEmptyFile();
  }

  @Test
  void aTornLastLineIsLeftOut() throws IOException {
    Files.writeString(folder.resolve("metrics.jsonl"), "{\"step\":1}\n{\"step\":2,\"lo");
    assertThat(MetricsLog.read(storage, path)).isEqualTo(List.of(Map.of("step", 1)));
  }

  @Test
  void noFileIsNoLines() throws IOException {
    assertThat(MetricsLog.read(storage, path)).isEmpty();
  }
}
