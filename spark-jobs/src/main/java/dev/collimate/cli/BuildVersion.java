package dev.collimate.cli;

import dev.collimate.CollimateException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import org.apache.spark.package$;
import picocli.CommandLine.IVersionProvider;

/** Which Collimate this is, and for which Spark it was built. */
final class BuildVersion implements IVersionProvider {

  private static final Properties BUILD = load();

  private static Properties load() {
    Properties properties = new Properties();
    try (InputStream in = BuildVersion.class.getResourceAsStream("build.properties")) {
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties;
  }

  static String collimate() {
    return BUILD.getProperty("version");
  }

  /** As {@code 4.1}. */
  static String sparkLine() {
    return BUILD.getProperty("spark.line");
  }

  /** The Spark on the class path. */
  static String spark() {
    return package$.MODULE$.SPARK_VERSION();
  }

  /**
   * Stops where the cluster's Spark is of another line than the jar.
   *
   * @param spark version of the cluster's Spark
   */
  static void requireLine(String spark) {
    if (!spark.startsWith(sparkLine() + ".")) {
      throw CollimateException.usage(
          "This jar is for Spark %s and was submitted to Spark %s; take collimate-%s-spark-LINE.jar"
                  .formatted(sparkLine(), spark, collimate())
              + " of that line");
    }
  }

  @Override
  public String[] getVersion() {
    return new String[] {
      "collimate " + collimate(),
      "built for Spark " + sparkLine() + ", running on Spark " + spark(),
      "Java " + Runtime.version()
    };
  }
}
