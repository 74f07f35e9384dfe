package dev.collimate.aggregate;

import java.io.Serializable;

/** Makes the worker's task in the executor; travels inside the Spark task. */
@FunctionalInterface
public interface WorkerTaskFactory extends Serializable {

  /** Called on the Spark task's thread, so {@code TaskContext.get()} tells the task's resources. */
  WorkerTask create(WorkerPlace place) throws Exception;
}
