package dev.collimate.train;

import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.storage.PublishedFile;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * All that the next optimizer step reads.
 *
 * @param progress the numbers beside the vectors
 * @param masters float32 weights
 * @param optimizer the optimizer's vectors by name, under which they stand in checkpoints
 */
record TrainingState(Progress progress, FlatVector masters, Map<String, FlatVector> optimizer) {

  /**
   * Where training stands.
   *
   * @param step optimizer steps done
   * @param epoch epochs done, a fraction
   * @param identity hash of the run's identity keys, by which a resume knows its own checkpoints
   * @param layout of the vectors
   * @param numerics the numerics fingerprint of the workers so far; empty before the first
   * @param exact whether every worker had that fingerprint
   * @param objectiveState of the objective, after {@code step}
   * @param window the open logging window, as {@link LogWindow#save} gives it
   * @param replicas the files of {@link ReplicaStore} after {@code step}; empty without local steps
   * @param prompts what {@link PromptSampler} knows of them; empty where they are taken in turn
   */
  record Progress(
      long step,
      double epoch,
      String identity,
      ParameterLayout layout,
      Map<String, String> numerics,
      boolean exact,
      List<Double> objectiveState,
      String window,
      List<PublishedFile> replicas,
      List<Double> prompts) {

    Progress {
      numerics = Map.copyOf(numerics);
      objectiveState = List.copyOf(objectiveState);
      replicas = List.copyOf(replicas);
      // Checkpoints of earlier versions, which are refused by name, have none.
      prompts = prompts == null ? List.of() : List.copyOf(prompts);
    }

    double[] objectiveStateArray() {
      return objectiveState.stream().mapToDouble(Double::doubleValue).toArray();
    }
  }

  /** A copy whose vectors no later step changes. */
  TrainingState copy() {
    Map<String, FlatVector> vectors = new TreeMap<>();
    optimizer.forEach((name, vector) -> vectors.put(name, vector.copy()));
    return new TrainingState(progress, masters.copy(), vectors);
  }
}
