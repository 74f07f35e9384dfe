package dev.collimate.train;

import org.apache.hadoop.fs.Path;

/** Where things lie in a run directory. */
public record RunDirectory(Path root) {

  public RunDirectory(String output) {
    this(new Path(output));
  }

  public Path manifest() {
    return new Path(root, "manifest.json");
  }

  public Path checkpoints() {
    return new Path(root, "checkpoints");
  }

  public Path checkpoint(long step) {
    return new Path(checkpoints(), "step-" + step);
  }

  /** The replicas' moments after a step, under local steps. */
  public Path replicas(long step) {
    return new Path(checkpoints(), "replicas/step-" + step);
  }

  public Path model() {
    return new Path(root, "model");
  }

  public Path adapter() {
    return new Path(root, "adapter");
  }

  public Path metrics() {
    return new Path(root, "metrics.jsonl");
  }

  /** Completions with their rewards, and below them the journal of these. */
  public Path rollouts() {
    return new Path(root, "rollouts");
  }

  /** What the rewards said, a file of a step. */
  public Path rewardJournal() {
    return new Path(rollouts(), "rewards");
  }

  public Path report() {
    return new Path(root, "report.html");
  }
}
