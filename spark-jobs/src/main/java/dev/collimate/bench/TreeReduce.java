package dev.collimate.bench;

import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.api.java.function.Function2;
import org.apache.spark.broadcast.Broadcast;

/**
 * The step as Spark's own means make it: parameters out by a broadcast, gradients back by {@code
 * treeReduce}, both as plain arrays.
 */
final class TreeReduce implements AutoCloseable {

  private final JavaSparkContext spark;
  private final JavaRDD<Integer> workers;
  private final float[] parameters;
  private float checksum;

  TreeReduce(JavaSparkContext spark, int size, int workers) {
    this.spark = spark;
    this.workers = spark.parallelize(IntStream.range(0, workers).boxed().toList(), workers);
    this.parameters = new float[size];
    GivenGradient.fill(parameters, 1);
  }

  /** Runs one step and returns the seconds it took. */
  double step(int depth) {
    long begin = System.nanoTime();
    Broadcast<float[]> sent = spark.broadcast(parameters);
    float[] sum = workers.map(new Gradient(sent)).treeReduce(new Add(), depth);
    double seconds = (System.nanoTime() - begin) / 1e9;
    checksum += sum[0];
    sent.destroy();
    return seconds;
  }

  @Override
  public void close() {
    if (Float.isNaN(checksum)) {
      throw new IllegalStateException("the sums are not numbers");
    }
  }

  /** Reads the broadcast and answers with a gradient that stands ready, as our own arm's does. */
  private record Gradient(Broadcast<float[]> parameters) implements Function<Integer, float[]> {

    private static float[] ready = {};

    @Override
    public float[] call(Integer worker) {
      int size = parameters.value().length;
      synchronized (Gradient.class) {
        if (ready.length != size) {
          ready = new float[size];
          GivenGradient.fill(ready, 1);
        }
      }
      return ready.clone();
    }
  }

  private static final class Add implements Function2<float[], float[], float[]> {
    private static final long serialVersionUID = 1;

    @Override
    public float[] call(float[] a, float[] b) {
      for (int i = 0; i < a.length; i++) {
        a[i] += b[i];
      }
      return a;
    }
  }
}
