package dev.collimate.integration.many;

import dev.collimate.config.RunConfig;
import dev.collimate.train.Pipeline;
import dev.collimate.train.RunProgress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.SparkSession;

/** Trains what many run files say, one after the other, in one Spark application. */
public final class ManyRuns {

  private ManyRuns() {}

  /**
   * Goes on after a run that failed, and then fails at the end.
   *
   * @param runFiles on the local disk
   */
  public static void main(String[] runFiles) throws IOException, InterruptedException {
    int failures = 0;
    try (SparkSession session = SparkSession.builder().appName("many runs").getOrCreate()) {
      for (String runFile : runFiles) {
        failures += trains(session, Path.of(runFile)) ? 0 : 1;
      }
    }
    if (failures > 0) {
      System.exit(1);
    }
  }

  private static boolean trains(SparkSession session, Path runFile) throws InterruptedException {
    long start = System.nanoTime();
    String end = "trained";
    try {
      RunConfig run = RunConfig.read(Files.readString(runFile), runFile.toString(), List.of());
      new Pipeline(session, run, RunProgress.SILENT).run(Pipeline.Stage.TRAIN);
    } catch (IOException | RuntimeException e) {
      end = "failed";
      e.printStackTrace();
    }
    System.out.printf(
        "%s %s in %.1f s%n", runFile.getFileName(), end, (System.nanoTime() - start) / 1e9);
    return end.equals("trained");
  }
}
