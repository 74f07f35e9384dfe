package dev.collimate.integration;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.objective.Objectives;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What an objective trains depends neither on the executors nor on a stop half way: one and two
 * executors give the same bits, and an objective with state goes on from a checkpoint to the same.
 * One Spark application does all runs on so many executors.
 */
class ObjectivesIT {

  private static final int STEPS = 4;
  private static final int STOP = 2;
  private static final int MICRO_BATCHES_A_STEP = 4;

  private static final String TRAIN =
      """
      train: {max_steps: 4, global_batch_size: 8, micro_batch_size: 2, learning_rate: 1.0e-3, save_steps: 2}
      cluster: {workers: %d, threads: 1}
      """;

  /** An objective with its options. */
  private record Named(String name, Map<String, Object> options) {

    static Named of(String name) {
      return new Named(name, Map.of());
    }

    /** As it stands in a run file. */
    String section() throws IOException {
      Map<String, Object> section = new LinkedHashMap<>(options);
      section.put("name", name);
      return new ObjectMapper().writeValueAsString(section);
    }

    static String label(String name, Map<String, Object> options) {
      return new Named(name, options).label();
    }

    String label() {
      return Stream.concat(
              Stream.of(name),
              new TreeMap<>(options)
                  .entrySet().stream()
                      .map(option -> option.getKey() + "-" + option.getValue())
                      .map(option -> option.replaceAll("[^\\w.-]+", "_")))
          .collect(Collectors.joining("-"));
    }
  }

  /** The reference moves after every step, so also between the checkpoint and the end. */
  private static final Map<String, Object> SYNC =
      new TreeMap<>(
          Map.of("sync_ref_model", true, "ref_model_sync_steps", 1, "ref_model_mixup_alpha", 0.5));

  private static final Named MIXTURE =
      new Named(
          "dpo", Map.of("loss_type", List.of("aot", "sft"), "loss_weights", List.of(1.0, 0.5)));

  /** Options that change what is read of a row, of the reference or of the batch. */
  private static final List<Named> VARIANTS =
      List.of(
          MIXTURE,
          new Named("dpo", Map.of("loss_type", "aot_unpaired")),
          new Named("dpo", Map.of("f_divergence_type", "js_divergence")),
          new Named("dpo", Map.of("ld_alpha", 0.5)),
          new Named("dpo", Map.of("use_weighting", true)),
          new Named("dpo", Map.of("reference_free", true)),
          new Named("dpo", Map.of("rationale_weight", 0.5)),
          new Named("orpo", Map.of("rationale_weight", 0.5)),
          new Named("napo", Map.of("extra_rejected", "2")),
          new Named("weighted_simpo", Map.of("conditional_pairs", true)),
          new Named("dpo", Map.of("degree_weight", 0.5)),
          new Named("dpo", SYNC),
          new Named("citation_apo", Map.of("progressive", true, "replay", 1.0)),
          new Named("rpo_relative", Map.of("mode", "diagonal")),
          new Named("rpo_relative", Map.of("mode", "unpaired")),
          new Named("bco", Map.of("match_underlying_distribution", true)),
          new Named("sparsepo", Map.of("mask", "independent")),
          new Named("sparsepo", Map.of("mask", "activation")),
          new Named("reward", Map.of("preference_strength", "soft_label")),
          new Named("reward", Map.of("agreement", "margin")),
          new Named("reward", Map.of("contrastive", "simcse_diff")),
          new Named("gr_dpo", Map.of("group_weights", "importance")));

  @TempDir private Path folder;

  @Test
  void fiveKindsTrainTheSameOnOneAndTwoExecutors() throws IOException {
    Set<String> resumed =
        trainOnOneAndTwo(
            List.of(
                MIXTURE,
                Named.of("kto"),
                Named.of("beta_dpo"),
                Named.of("gr_dpo"),
                Named.of("orpo")));

    assertThat(resumed).containsExactlyInAnyOrder("beta_dpo", "gr_dpo");
  }

  @Test
  @Tag("slow")
  void theWholeTableTrainsTheSameOnOneAndTwoExecutors() throws IOException {
    List<Named> objectives = new ArrayList<>(VARIANTS);
    Objectives.table().stream()
        .filter(spec -> !spec.isOnline())
        .forEach(spec -> objectives.add(Named.of(spec.name())));

    assertThat(trainOnOneAndTwo(objectives))
        .contains("beta_dpo", "bco", "gr_dpo", "gr_ipo", "sparsepo", Named.label("dpo", SYNC));
  }

  /** Gives the objectives that have state, which were also stopped and went on. */
  private Set<String> trainOnOneAndTwo(List<Named> objectives) throws IOException {
    TinyRun model = TinyRun.in(folder, 1);
    Map<String, TinyRun> runs = new LinkedHashMap<>();
    for (Named objective : objectives) {
      String rows = objective.label() + ".jsonl";
      RowsFor.write(
          Objectives.create(objective.name(), objective.options()).declaration(),
          STEPS * MICRO_BATCHES_A_STEP * 2,
          folder.resolve(rows));
      runs.put(objective.label(), model.with(rows, objective.section()));
    }
    assertThat(runs).as("labels").hasSameSizeAs(objectives);

    train(2, runFiles(runs, "-two", 2));
    Map<String, TinyRun> stopped = new LinkedHashMap<>();
    for (Map.Entry<String, TinyRun> run : runs.entrySet()) {
      String two = run.getKey() + "-two";
      if (hasState(run.getValue(), two)) {
        run.getValue().copyStopped(two, run.getKey() + "-resumed", STOP);
        stopped.put(run.getKey(), run.getValue());
      }
    }
    List<String> others = runFiles(runs, "-one", 1);
    others.addAll(runFiles(stopped, "-resumed", 1));
    train(1, others);

    for (Map.Entry<String, TinyRun> run : runs.entrySet()) {
      assertSame(run.getValue(), run.getKey() + "-one", run.getKey() + "-two");
      assertBothWorked(run.getValue(), run.getKey() + "-two");
    }
    for (Map.Entry<String, TinyRun> run : stopped.entrySet()) {
      String resumed = run.getKey() + "-resumed";
      assertThat(run.getValue().manifest(resumed).at("/training/resumed_from_step").asLong())
          .isEqualTo(STOP);
      assertSame(run.getValue(), resumed, run.getKey() + "-two");
    }
    return stopped.keySet();
  }

  /** Whether a step reads more than weights and moments: numbers, parameters, or a reference. */
  private static boolean hasState(TinyRun run, String name) throws IOException {
    return !run.progress(name, STEPS).get("objectiveState").isEmpty()
        || run.progress(name, STEPS).get("layout").toString().contains("objective.parameters")
        || Files.exists(run.output(name).resolve("checkpoints/step-" + STEPS + "/reference.f32"));
  }

  private static List<String> runFiles(Map<String, TinyRun> runs, String suffix, int workers)
      throws IOException {
    List<String> files = new ArrayList<>();
    for (Map.Entry<String, TinyRun> run : runs.entrySet()) {
      files.add(run.getValue().runFile(run.getKey() + suffix, TRAIN.formatted(workers)));
    }
    return files;
  }

  private static void train(int executors, List<String> runFiles) {
    Finished finished = Launcher.ofBuild().trainAll(executors, runFiles);
    assertThat(finished.exitCode()).as(finished.transcript()).isZero();
  }

  private static void assertSame(TinyRun run, String one, String other) throws IOException {
    assertThat(run.trainingState(one, STEPS))
        .as("%s and %s", one, other)
        .isNotEqualTo(run.trainingState(one, STOP))
        .isEqualTo(run.trainingState(other, STEPS));
    assertThat(run.progress(one, STEPS).get("objectiveState"))
        .as("state of %s and %s", one, other)
        .isEqualTo(run.progress(other, STEPS).get("objectiveState"));
  }

  private static void assertBothWorked(TinyRun run, String name) throws IOException {
    assertThat(run.metrics(name))
        .as("metrics of %s", name)
        .hasSize(STEPS)
        .allSatisfy(line -> assertThat(line.get("loss").doubleValue()).isFinite())
        .allSatisfy(line -> assertThat(line.get("loss").isNumber()).isTrue());
    List<Integer> leaves = new ArrayList<>();
    run.manifest(name).at("/training/leaves_by_worker").forEach(n -> leaves.add(n.asInt()));
    assertThat(leaves)
        .as("micro-batches of %s by executor", name)
        .hasSize(2)
        .allSatisfy(n -> assertThat(n).isGreaterThanOrEqualTo(2));
  }
}
