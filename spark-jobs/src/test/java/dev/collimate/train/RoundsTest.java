package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.config.RunConfig;
import dev.collimate.data.LocalSpark;
import dev.collimate.data.ToyModel;
import dev.collimate.report.RunManifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Rounds of completing, scoring, pairing and training. */
@ExtendWith(LocalSpark.class)
class RoundsTest {

  private static final int PROMPTS = 12;

  @TempDir private Path folder;
  private SparkSession spark;

  @BeforeEach
  void write(SparkSession session) throws IOException {
    spark = session;
    ToyModel.write(folder.resolve("model"), 1);
    List<String> rows = new ArrayList<>();
    for (int row = 0; row < PROMPTS; row++) {
      rows.add("{\"prompt\": \"row %d: \", \"letter\": \"aeiouy\"}".formatted(row));
    }
    Files.write(folder.resolve("prompts.jsonl"), rows);
  }

  @Test
  void theRewardRisesFromRoundToRound() throws Exception {
    RunManifest manifest = run("rising", RunProgress.SILENT, "rounds=3");

    assertThat(manifest.state()).isEqualTo(RunManifest.State.COMPLETE);
    Map<String, Object> numbers = manifest.training();
    assertThat(reward(numbers, 3)).isGreaterThan(reward(numbers, 1) + 0.05);
    assertThat(numbers)
        .containsEntry("rounds", 3)
        .containsEntry("round_1/completions", 6L * PROMPTS)
        .containsEntry("round_1/lost", 0L)
        .containsEntry("round_2/steps", 6L);
    assertThat((long) numbers.get("round_1/pairs") + (long) numbers.get("round_1/equal"))
        .isEqualTo(PROMPTS);
    assertThat(folder.resolve("rising/round-3/model/config.json")).exists();
    assertThat(folder.resolve("rising/round-3-pairs/rewards/step-1.jsonl")).exists();
  }

  private static double reward(Map<String, Object> numbers, int round) {
    return (double) numbers.get("round_" + round + "/reward");
  }

  /** Stopped between rounds, after the pairs of one, and after a step of its training. */
  @Test
  void aStoppedRunGoesOnToTheSameBits() throws Exception {
    run("whole", RunProgress.SILENT, "rounds=2", "train.save_steps=2", "adapter={r: 4}");

    String[] overrides = {"rounds=1", "train.save_steps=2", "adapter={r: 4}"};
    run("parts", RunProgress.SILENT, overrides);
    overrides[0] = "rounds=2";
    // The first time it is round 1's, which is prepared.
    assertThatThrownBy(() -> run("parts", new Stopping("prepare", 2), overrides))
        .hasMessage("stopped at prepare");
    // The pairs are made again, from the journal of rewards.
    Files.delete(folder.resolve("parts/round-2-pairs/facts.json"));
    assertThatThrownBy(() -> run("parts", new Stopping("4", 1), overrides))
        .hasMessage("stopped at 4");
    RunManifest end = run("parts", RunProgress.SILENT, overrides);

    assertThat(end.state()).isEqualTo(RunManifest.State.COMPLETE);
    for (String file :
        List.of(
            "round-1/adapter/adapter_model.safetensors",
            "round-2-pairs/completions.jsonl",
            "round-2-pairs/pairs.jsonl",
            "round-2/adapter/adapter_model.safetensors")) {
      assertThat(folder.resolve("parts").resolve(file))
          .hasSameBinaryContentAs(folder.resolve("whole").resolve(file));
    }
    assertThat(folder.resolve("whole/round-1/adapter/adapter_model.safetensors"))
        .isRegularFile()
        .satisfies(
            first ->
                assertThat(Files.readAllBytes(first))
                    .isNotEqualTo(
                        Files.readAllBytes(
                            folder.resolve("whole/round-2/adapter/adapter_model.safetensors"))));
  }

  @Test
  void rewardsThatPreferNothingEndTheRunInTheirOwnWords() {
    assertThatThrownBy(
            () ->
                run(
                    "alike",
                    RunProgress.SILENT,
                    "rounds=1",
                    "rewards=[{name: regex, pattern: neverever}]"))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "rewards: in round 1 no prompt has two completions with different rewards (72 completions, 0 without a reward); nothing can be preferred, so look at the rewards, or raise rollout.num_generations or rollout.temperature");
  }

  /** Ends the process, as far as a run can tell, in a stage or after a step. */
  private static final class Stopping implements RunProgress {
    private final String at;
    private int left;

    Stopping(String at, int time) {
      this.at = at;
      this.left = time;
    }

    @Override
    public void stage(String name) {
      stopAt(name);
    }

    @Override
    public void training(long firstStep, long lastStep) {}

    @Override
    public void line(Map<String, Object> line) {
      stopAt(String.valueOf(line.get("step")));
    }

    private void stopAt(String place) {
      if (place.equals(at) && --left == 0) {
        throw new IllegalStateException("stopped at " + at);
      }
    }
  }

  private RunManifest run(String output, RunProgress progress, String... overrides)
      throws Exception {
    String yaml =
        """
        model: %s
        output: %s
        data: {train: [{path: %s}]}
        objective: {name: dpo, rpo_alpha: 1.0}
        rollout: {num_generations: 6, max_completion_length: 12}
        rewards: [{name: dev.collimate.train.LetterReward, label: letters}]
        train: {max_steps: 6, global_batch_size: 12, micro_batch_size: 4, lr_scheduler_type: constant, learning_rate: 1.0e-2, logging_steps: 1}
        cluster: {workers: 1, threads: 1}
        """
            .formatted(
                folder.resolve("model"), folder.resolve(output), folder.resolve("prompts.jsonl"));
    RunConfig config = RunConfig.read(yaml, "rounds.yaml", List.of(overrides));
    return new Rounds(spark, config, progress).run();
  }
}
