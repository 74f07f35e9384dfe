package dev.collimate.quickstart;

import dev.collimate.quickstart.Comparison.Scores;
import dev.collimate.storage.Storage;
import dev.collimate.train.Pipeline;
import dev.collimate.train.RunProgress;
import java.io.IOException;
import java.util.EnumMap;
import java.util.Map;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/**
 * The whole of Collimate on a task of minutes: supervised fine-tuning on faulty demonstrations,
 * then DPO on preferences against the fault, beside a control that sees the chosen answers alone.
 */
public final class Quickstart {

  /** What a run takes of the cluster; the embedded one has two executors. */
  private static final int WORKERS = 2;

  private final SparkSession session;
  private final String root;
  private final long seed;
  private final RunProgress progress;

  /**
   * @param session stays open
   * @param root directory for everything; what is finished there is not done again
   */
  public Quickstart(SparkSession session, String root, long seed, RunProgress progress) {
    this.session = session;
    this.root = root;
    this.seed = seed;
    this.progress = progress;
  }

  /** Runs the stages and puts the three models to the test. */
  public Comparison run() throws IOException, InterruptedException {
    JavaSparkContext spark = JavaSparkContext.fromSparkContext(session.sparkContext());
    Path directory = new Path(Storage.absolute("--output", root, spark.hadoopConfiguration()));
    AdditionData data = AdditionData.draw(seed);
    new Inputs(directory, spark.hadoopConfiguration()).write(data, seed);
    Examination examination = new Examination(spark, data, seed);
    Map<Stage, Scores> scores = new EnumMap<>(Stage.class);
    for (Stage stage : Stage.values()) {
      progress.stage("quick start: " + stage.directory());
      new Pipeline(session, stage.run(directory.toString(), seed, WORKERS), progress)
          .run(Pipeline.Stage.REPORT);
      progress.stage("quick start: examination of " + stage.directory());
      scores.put(stage, examination.of(directory + "/" + stage.result()));
    }
    return new Comparison(scores.get(Stage.SFT), scores.get(Stage.CONTROL), scores.get(Stage.DPO));
  }
}
