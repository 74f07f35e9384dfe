package dev.collimate.train;

import dev.collimate.CollimateException;
import dev.collimate.config.RunConfig;
import dev.collimate.learn.Learner;
import dev.collimate.nn.Numerics;
import dev.collimate.objective.Objective;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.train.TrainingState.Progress;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where training begins or goes on, and whether that is with the same arithmetic.
 *
 * @param rows that are trained on
 * @param reference what was read of the reference model
 */
record TrainingStart(
    RunConfig run,
    RunDirectory directory,
    PolicySource policy,
    Objective objective,
    SplitRows rows,
    TrainStage.Reference reference) {

  private static final Logger log = LoggerFactory.getLogger(TrainingStart.class);

  /** What training goes on from: the newest checkpoint, or the beginning. */
  TrainingState state(CheckpointStore checkpoints) throws IOException {
    Optional<TrainingState> resumed = checkpoints.newest();
    ParameterLayout layout = Learner.layoutOf(policy.layout(), objective.declaration());
    String identity = RunRecord.identity(run);
    if (resumed.isPresent()) {
      requireOwn(resumed.get().progress(), identity);
      log.info("Going on from the checkpoint of step {}", resumed.get().progress().step());
      return resumed.get();
    }
    Map<String, FlatVector> optimizer = new TreeMap<>();
    for (String vector : run.train().hasLocalSteps() ? LocalSteps.VECTORS : GradientSteps.VECTORS) {
      optimizer.put(vector, new FlatVector(layout.size()));
    }
    FlatVector masters =
        OwnPart.behind(policy.initial(run.seed()), objective.declaration().initialParameters());
    if (objective.declaration().sync().isPresent()) {
      optimizer.put(MovingReference.VECTOR, masters.copy());
    }
    return new TrainingState(
        new Progress(
            0,
            0,
            identity,
            layout,
            reference.numerics(),
            reference.exact(),
            Arrays.stream(objective.initialState(rows)).boxed().toList(),
            new LogWindow().save(),
            List.of(),
            List.of()),
        masters,
        optimizer);
  }

  /** Training again from the first step is for a person to decide. */
  private void requireOwn(Progress resumed, String identity) {
    if (!resumed.identity().equals(identity)) {
      throw CollimateException.usage(
          "output: '%s' is of another run, or of another version of Collimate; choose another output, or remove '%s' to"
                  .formatted(directory.checkpoint(resumed.step()), directory.checkpoints())
              + " train from the first step");
    }
    List<String> differences = differences(resumed);
    if (!differences.isEmpty() && !run.cluster().mixed()) {
      throw CollimateException.resources(
          "The reference's log-probabilities have other numerics than the checkpoint of step %d (checkpoint here, reference there: %s);"
                  .formatted(resumed.step(), String.join("; ", differences))
              + " go on with the same machine type and settings, or set cluster.mixed: true to give"
              + " up bitwise reproducibility");
    }
  }

  /** Whether all of training so far, and the reference, had one arithmetic. */
  boolean isExact(Progress start) {
    return start.exact() && reference.exact() && differences(start).isEmpty();
  }

  /** How the reference's numerics differ from those that training began with. */
  private List<String> differences(Progress start) {
    if (start.numerics().isEmpty() || reference.numerics().isEmpty()) {
      return List.of();
    }
    return new Numerics(new TreeMap<>(start.numerics()))
        .differences(new Numerics(new TreeMap<>(reference.numerics())));
  }
}
