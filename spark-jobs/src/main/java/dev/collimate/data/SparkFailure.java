package dev.collimate.data;

import dev.collimate.CollimateException;
import java.io.IOException;
import java.util.stream.Collectors;
import org.apache.spark.SparkException;

/** Finds, in what Spark throws when a job fails, the failure that a person can act on. */
public final class SparkFailure {

  /** How Spark begins to say that a CSV file's header is not that of the first file. */
  private static final String OTHER_HEADER = "CSV header does not conform to the schema.";

  private SparkFailure() {}

  /**
   * The failure to report.
   *
   * @param what the job did, for the message: {@code prepare}
   * @return the failure of a task where it is Collimate's own, else one that names its first cause
   */
  public static RuntimeException of(String what, Exception failure) throws IOException {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof CollimateException ours) {
        return ours;
      }
      if (cause.getMessage() != null && cause.getMessage().startsWith(OTHER_HEADER)) {
        return otherHeader(cause.getMessage(), failure);
      }
    }
    if (failure instanceof IOException io) {
      throw io;
    }
    if (!(failure instanceof SparkException) && failure instanceof RuntimeException other) {
      return other;
    }
    Throwable first = failure;
    while (first.getCause() != null) {
      first = first.getCause();
    }
    return new CollimateException(
        CollimateException.Kind.INTERNAL,
        "The Spark job of %s failed: %s".formatted(what, first),
        failure);
  }

  private static CollimateException otherHeader(String message, Exception failure) {
    String details = message.lines().skip(1).map(String::strip).collect(Collectors.joining("; "));
    return new CollimateException(
        CollimateException.Kind.DATA,
        "CSV files of one source have different headers (%s); give each kind its own source"
            .formatted(details),
        failure);
  }
}
