package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.config.RunConfig;
import dev.collimate.config.Source;
import dev.collimate.data.LocalSpark;
import dev.collimate.data.ToyModel;
import dev.collimate.executor.ModelSpec;
import dev.collimate.inference.PairAccuracy;
import dev.collimate.inference.RewardReading;
import dev.collimate.inference.Score;
import dev.collimate.nn.Precision;
import dev.collimate.report.RunManifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Reward models of more than pairs, each on rows that show what it can say and others cannot. */
@ExtendWith(LocalSpark.class)
class RewardRowsPipelineTest {

  @TempDir private Path folder;
  private SparkSession spark;

  @BeforeEach
  void write(SparkSession session) throws IOException {
    spark = session;
    ToyModel.write(folder.resolve("model"), 1);
  }

  @Test
  void aListOfAnswersIsRanked() throws Exception {
    List<String> rows = new ArrayList<>();
    for (int row = 0; row < 16; row++) {
      rows.add(
          "{\"prompt\": \"%d: \", \"responses\": [\"fair\", \"good\", \"bad\"], \"grades\": [2, 3, 1]}"
              .formatted(row));
    }
    Files.write(folder.resolve("rows.jsonl"), rows);

    RunManifest manifest =
        train("run", 30, "{name: ranklist, list_size: 3, skip_steps: 10, lse: true}");

    assertThat((double) manifest.evaluation().get(RunManifest.AFTER).get("eval_kendall_tau"))
        .isEqualTo(1);
  }

  /** Rock, scissors, paper: every answer is preferred to one and not to another. */
  @Test
  void aGatedPreferenceModelLearnsACycle() throws Exception {
    List<String> rows = new ArrayList<>();
    String[] answers = {"rock", "scissors", "paper"};
    for (int row = 0; row < 12; row++) {
      rows.add(
          "{\"prompt\": \"%d: \", \"chosen\": \"%s\", \"rejected\": \"%s\"}"
              .formatted(row / 3, answers[row % 3], answers[(row + 1) % 3]));
    }
    Files.write(folder.resolve("rows.jsonl"), rows);
    train("run", 60, "{name: gpm, value_head_dim: 4, tau: 1.0, prompt_gate: true}");
    train("scalar", 60, "{name: reward}");

    RewardReading gated = new RewardReading("", /* hasGate= */ true, 1, /* normalizes= */ false);
    assertThat(accuracies("run", gated)).containsEntry("accuracy", 1.0);
    assertThat((double) accuracies("scalar", context("")).get("accuracy")).isLessThan(0.8);
  }

  /** The context alone says which answer is better, so without it nothing can be learned. */
  @Test
  void aContextTurnsAPreferenceRound() throws Exception {
    List<String> rows = new ArrayList<>();
    for (int row = 0; row < 16; row++) {
      boolean isBrief = row % 2 == 0;
      rows.add(
          "{\"prompt\": \"%d: \", \"context\": \"%s\", \"chosen\": \"%s\", \"rejected\": \"%s\"}"
              .formatted(
                  row / 2, isBrief ? "s" : "l", isBrief ? "ok" : "fine", isBrief ? "fine" : "ok"));
    }
    Files.write(folder.resolve("rows.jsonl"), rows);
    train("blind", 60, "{name: reward}");
    train("run", 60, "{name: reward, context_column: context}");

    assertThat(accuracies("run", context("context")))
        .containsEntry("accuracy", 1.0)
        .containsEntry("accuracy_of_reversed_pairs", 1.0);
    assertThat(accuracies("run", context(""))).containsEntry("accuracy", 0.5);
    assertThat(accuracies("blind", context(""))).containsEntry("accuracy", 0.5);
  }

  private static RewardReading context(String column) {
    return new RewardReading(column, /* hasGate= */ false, 1, /* normalizes= */ false);
  }

  private Map<String, Object> accuracies(String run, RewardReading reading) throws IOException {
    String out = folder.resolve("scored-%s-%s.jsonl".formatted(run, reading.context())).toString();
    ModelSpec model =
        ModelSpec.of(
            "--model",
            folder.resolve(run).resolve("model").toString(),
            "--adapter",
            Optional.empty(),
            Precision.FLOAT32,
            1,
            new Configuration());
    Source rows =
        new Source(
            Optional.of(folder.resolve("rows.jsonl").toString()),
            Optional.empty(),
            Optional.empty(),
            Map.of(),
            List.of());
    Score.run(spark, model, rows, out, Score.Detail.REWARDS, reading);
    return PairAccuracy.of(spark, out);
  }

  private RunManifest train(String output, int steps, String objective) throws Exception {
    String yaml =
        """
        model: %s
        output: %s
        data: {train: [{path: %s}], eval: [{path: %3$s}]}
        objective: %s
        train: {max_steps: %d, global_batch_size: 4, micro_batch_size: 2, learning_rate: 1.0e-2}
        cluster: {workers: 1, threads: 1}
        """
            .formatted(
                folder.resolve("model"),
                folder.resolve(output),
                folder.resolve("rows.jsonl"),
                objective,
                steps);
    return new Pipeline(spark, RunConfig.read(yaml, "run.yaml", List.of()), RunProgress.SILENT)
        .run(Pipeline.Stage.EVALUATE);
  }
}
