package dev.collimate.cli;

import dev.collimate.CollimateException;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;

/** Spark sessions for the commands that need a cluster. */
final class Sessions {

  private Sessions() {}

  /**
   * Starts the session with spark-submit's settings and these.
   *
   * @param name shown in Spark's user interface
   * @throws CollimateException where the jar is of another Spark line, or there is no master
   */
  static SparkSession open(String name, SparkConf settings) {
    BuildVersion.requireLine(BuildVersion.spark());
    if (!settings.contains("spark.master")) {
      throw CollimateException.usage(
          "No Spark master is set; run the command through spark-submit or deploy/collimate");
    }
    return SparkSession.builder().config(settings).appName(name).getOrCreate();
  }
}
