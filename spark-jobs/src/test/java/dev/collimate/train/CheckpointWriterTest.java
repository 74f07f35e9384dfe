package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.config.RunConfig;
import dev.collimate.config.TrainConfig;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.report.MetricsLog;
import dev.collimate.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointWriterTest {

  private static final ParameterLayout LAYOUT =
      new ParameterLayout(List.of(new ParameterLayout.Parameter("weight", List.of(3L))));

  @TempDir private Path output;
  private MetricsLog metrics;
  private boolean isOwner = true;

  @BeforeEach
  void open() throws IOException {
    org.apache.hadoop.fs.Path path =
        new org.apache.hadoop.fs.Path(output.resolve("metrics.jsonl").toUri());
    metrics = MetricsLog.resume(Storage.of(path, new Configuration()), path, 0);
    metrics.add(Map.of("step", 1));
  }

  @Test
  void aDriverThatLostTheRunLeavesTheOthersLinesAlone() throws IOException {
    Files.writeString(output.resolve("metrics.jsonl"), "the other's");
    isOwner = false;
    CheckpointWriter writer = writer();
    writer.submit(state(1));

    assertThatThrownBy(writer::await).isInstanceOf(IllegalStateException.class).hasMessage("lost");
    writer.close();

    assertThat(output.resolve("metrics.jsonl")).hasContent("the other's");
  }

  @Test
  void aRunThatFailsKeepsItsCheckpointUnderWayAndItsLastLines() {
    try (CheckpointWriter writer = writer()) {
      writer.submit(state(1));
      metrics.add(Map.of("step", 2));
    }

    assertThat(output.resolve("checkpoints/step-1/checkpoint.json")).exists();
    assertThat(output.resolve("metrics.jsonl")).hasContent("{\"step\":1}\n{\"step\":2}\n");
  }

  @Test
  void aCheckpointThatFailsDoesNotHideTheRunsFailure() {
    assertThatThrownBy(
            () -> {
              try (CheckpointWriter writer = writer()) {
                isOwner = false;
                writer.submit(state(1));
                throw new IllegalArgumentException("the run's failure");
              }
            })
        .hasMessage("the run's failure")
        .hasNoSuppressedExceptions();
  }

  private CheckpointWriter writer() {
    CheckpointStore store =
        new CheckpointStore(
            new RunDirectory(output.toString()),
            new Configuration(),
            () -> {
              if (!isOwner) {
                throw new IllegalStateException("lost");
              }
            });
    return new CheckpointWriter(store, config(), metrics);
  }

  private static TrainingState state(long step) {
    return new TrainingState(
        new TrainingState.Progress(
            step,
            0,
            "identity",
            LAYOUT,
            Map.of(),
            /* exact= */ true,
            List.of(),
            new LogWindow().save(),
            List.of(),
            List.of()),
        new FlatVector(LAYOUT.size()),
        Map.of());
  }

  private static TrainConfig config() {
    return RunConfig.read(
            "{model: m, output: o, data: {train: [{path: p}]}, objective: {name: sft}}",
            "run.yaml",
            List.of())
        .train();
  }
}
