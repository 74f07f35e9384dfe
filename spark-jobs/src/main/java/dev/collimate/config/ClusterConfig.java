package dev.collimate.config;

import static dev.collimate.config.Key.Role.IDENTITY;
import static dev.collimate.config.Key.Role.OPERATIONAL;

/** The {@code cluster} section: what the run takes of the cluster. */
public record ClusterConfig(
    @Key(
            role = OPERATIONAL,
            usual = "4",
            range = ">= 1",
            meaning = "Most workers at a time; the result does not depend on it.")
        int workers,
    @Key(
            role = IDENTITY,
            usual = "cpu",
            meaning =
                "`cpu`, `gpu`, or `auto`: a GPU where Spark assigned one. A run on GPUs is marked"
                    + " `exact: false`.")
        Device device,
    @Key(
            role = IDENTITY,
            usual = "1",
            range = ">= 1",
            meaning = "Threads of a worker; at most `spark.executor.cores`.")
        int threads,
    @Key(
            role = IDENTITY,
            usual = "float32",
            meaning =
                "How a micro-batch's gradient leaves its worker; `bfloat16`: rounded once, sums"
                    + " stay float32.")
        Wire wire,
    @Key(
            role = OPERATIONAL,
            usual = "false",
            meaning =
                "Admit workers, or a resume, with another numerics fingerprint; the run is then"
                    + " marked `exact: false`.")
        boolean mixed) {

  /** How a micro-batch's gradient leaves its worker. */
  public enum Wire {
    FLOAT32,
    BFLOAT16
  }

  /** Where tensors live. */
  public enum Device {
    CPU,
    GPU,
    AUTO
  }
}
