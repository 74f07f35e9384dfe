package dev.collimate.train;

import dev.collimate.aggregate.RoundStats;
import dev.collimate.config.TrainConfig;
import dev.collimate.learn.LeafResult;
import dev.collimate.learn.MetricSums;
import dev.collimate.learn.Schedule;
import dev.collimate.parameters.FlatVector;
import dev.collimate.storage.PublishedFile;
import dev.collimate.train.LogWindow.StepReport;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How a run gets from one set of weights that all workers share to the next. */
sealed interface StepMethod permits AveragedGradients, LocalSteps, OnlineSteps {

  /** How many threads of the driver share an update. */
  int UPDATE_THREADS = Runtime.getRuntime().availableProcessors();

  /** What a reference that follows the policy has to do beside the steps. */
  interface Reference {

    /** One that stays as it is. */
    Reference STAYS =
        new Reference() {
          @Override
          public void before(long step) {}

          @Override
          public boolean movesAfter(long step) {
            return false;
          }

          @Override
          public void after(long step, FlatVector policy) {}
        };

    /** Computes what the step reads of it, where that is not there. */
    void before(long step);

    boolean movesAfter(long step);

    /** Lets it follow the policy as it is after the step. */
    void after(long step, FlatVector policy);
  }

  /** One optimizer step that was done. */
  record Done(BatchPlan.Step batch, StepReport report, MetricSums metrics) {}

  /**
   * The steps up to the next weights that all share.
   *
   * @param steps at least one
   * @param objectiveState after the last of them
   * @param replicas the replicas' moments after the last of them; empty without local steps
   * @param prompts what is known of them for their choice; empty where they are taken in turn
   */
  record Advance(
      List<Done> steps,
      double[] objectiveState,
      List<PublishedFile> replicas,
      List<Double> prompts) {

    Advance(List<Done> steps, double[] objectiveState, List<PublishedFile> replicas) {
      this(steps, objectiveState, replicas, List.of());
    }
  }

  /**
   * Has the next steps done.
   *
   * @param first the first of them, from 1
   * @param masters updated in place
   * @param objectiveState before the first
   */
  Advance advance(long first, FlatVector masters, double[] objectiveState);

  /** The run's learning rates. */
  static Schedule schedule(TrainConfig config, long steps) {
    long warmup =
        config.warmupSteps() > 0
            ? config.warmupSteps()
            : Schedule.warmupSteps(config.warmupRatio(), steps);
    return new Schedule(config.lrSchedulerType(), config.learningRate(), warmup, steps);
  }

  /** What a round measured: its seconds divided over its steps, its counts as they are. */
  static Map<String, Double> numbers(RoundStats stats, int steps) {
    Map<String, Double> numbers = new LinkedHashMap<>();
    numbers.put("compute_seconds", stats.computeSeconds() / steps);
    numbers.put("push_seconds", stats.pushSeconds() / steps);
    numbers.put("pull_seconds", stats.pullSeconds() / steps);
    numbers.put("workers", (double) stats.workers());
    numbers.put("releases", (double) stats.releases());
    return numbers;
  }

  static LeafResult leafResult(byte[] bytes) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      return LeafResult.read(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
