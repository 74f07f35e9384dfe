package dev.collimate.train;

import dev.collimate.config.TrainConfig;
import dev.collimate.parameters.FlatVector;
import dev.collimate.train.StepMethod.Advance;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The driver's loop: has steps done, and at the right ones logs, evaluates and checkpoints.
 * Everything that it reads between two steps is in the {@link TrainingState}.
 */
final class Trainer {

  /** What others do while training goes on. */
  interface Observer {

    /** A line of metrics. */
    void log(Map<String, Object> line);

    /** Asks for an evaluation of the weights after a step; its line goes to {@link #log}. */
    void evaluate(long step, double epoch, FlatVector parameters, double[] state);
  }

  private final TrainConfig config;
  private final long steps;
  private final StepMethod method;
  private final TrainingSession session;
  private final CheckpointWriter checkpoints;
  private final ReplicaStore replicas;
  private final Observer observer;

  /**
   * @param steps of the whole run
   */
  Trainer(
      TrainConfig config,
      long steps,
      StepMethod method,
      TrainingSession session,
      CheckpointWriter checkpoints,
      ReplicaStore replicas,
      Observer observer) {
    this.config = config;
    this.steps = steps;
    this.method = method;
    this.session = session;
    this.checkpoints = checkpoints;
    this.replicas = replicas;
    this.observer = observer;
  }

  /**
   * Trains from a state to the last step and publishes the last checkpoint.
   *
   * @param start its vectors are updated in place
   * @return the state after the last step
   */
  TrainingState train(TrainingState start) {
    LogWindow window = LogWindow.restore(start.progress().window());
    TrainingState state = start;
    long checkpointed = start.progress().step();
    while (state.progress().step() < steps) {
      long before = state.progress().step();
      Advance advance =
          method.advance(before + 1, state.masters(), state.progress().objectiveStateArray());
      log(advance, window);
      StepMethod.Done last = advance.steps().get(advance.steps().size() - 1);
      long now = last.batch().number();
      if (now < steps ? passes(before, now, config.evalSteps()) : config.loadBestModelAtEnd()) {
        observer.evaluate(
            now, last.batch().epochsDone(), state.masters(), advance.objectiveState());
      }
      if (before != checkpointed && !state.progress().replicas().isEmpty()) {
        forgetReplicas(before);
      }
      state = after(last.batch(), state, advance, window);
      if (now == steps || passes(before, now, config.saveSteps())) {
        checkpoints.submit(state);
        checkpointed = now;
      }
    }
    checkpoints.await();
    return state;
  }

  private void log(Advance advance, LogWindow window) {
    for (StepMethod.Done done : advance.steps()) {
      window.add(done.report(), done.metrics());
      long number = done.batch().number();
      if (number == steps || number % config.loggingSteps() == 0) {
        observer.log(window.closeAt(number, done.batch().epochsDone()));
      }
    }
  }

  /** No checkpoint needs the moments of a synchronisation that the next one followed. */
  private void forgetReplicas(long step) {
    try {
      replicas.delete(step);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot remove the replicas' moments of step " + step, e);
    }
  }

  /** Whether a multiple of {@code every} lies in {@code before + 1} to {@code now}. */
  private static boolean passes(long before, long now, int every) {
    return every > 0 && now / every > before / every;
  }

  private TrainingState after(
      BatchPlan.Step batch, TrainingState before, Advance advance, LogWindow window) {
    List<Double> objectiveState = Arrays.stream(advance.objectiveState()).boxed().toList();
    TrainingState.Progress progress =
        new TrainingState.Progress(
            batch.number(),
            batch.epochsDone(),
            before.progress().identity(),
            before.progress().layout(),
            session.admission().numerics(),
            session.exact(),
            objectiveState,
            window.save(),
            advance.replicas(),
            advance.prompts());
    return new TrainingState(progress, before.masters(), before.optimizer());
  }
}
