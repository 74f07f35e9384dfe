package dev.collimate.executor;

import dev.collimate.CollimateException;
import dev.collimate.nn.Engine;
import dev.collimate.nn.Numerics;
import java.util.List;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaSparkContext;

/** The numerics fingerprint of the executors, as far as a job has seen them. */
public final class ExecutorNumerics {

  private ExecutorNumerics() {}

  /** Whether executors of other numerics may take part. */
  public enum Mixture {
    REFUSED,
    ADMITTED
  }

  /** Takes the fingerprint of one executor, by a Spark job of one task. */
  public static Numerics ofOne(JavaSparkContext spark, ModelSpec model) {
    TreeMap<String, String> facts =
        spark
            .parallelize(List.of(0), 1)
            .map(
                any -> {
                  Engine.start(model.threads(), AssignedDevice.of(model.device()));
                  return new TreeMap<>(ModelSlot.numerics().facts());
                })
            .first();
    return new Numerics(facts);
  }

  /**
   * Checks this executor.
   *
   * @return its fingerprint, another than the expected one only where that is admitted
   * @throws CollimateException (resources) where its results would have other bits; says why
   */
  public static Numerics require(Numerics expected, Mixture mixture) {
    Numerics here = ModelSlot.numerics();
    if (mixture == Mixture.REFUSED && !here.hash().equals(expected.hash())) {
      throw CollimateException.resources(
          "This executor's numerics differ from the first one's, so its bits may (%s); use equal machines or set cluster.mixed: true"
              .formatted(String.join("; ", here.differences(expected))));
    }
    return here;
  }
}
