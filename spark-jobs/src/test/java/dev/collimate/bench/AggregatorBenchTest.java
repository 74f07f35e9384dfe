package dev.collimate.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.aggregate.GradientFormat;
import dev.collimate.data.LocalSpark;
import java.util.Map;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LocalSpark.class)
class AggregatorBenchTest {

  @Test
  void simulatedWorkersAreTimedAndTheirBoundHolds(SparkSession spark) {
    AggregatorBench.Options options =
        new AggregatorBench.Options(1_000, 3, 1, 2, 0.5, GradientFormat.FLOAT32);
    Map<String, Object> report =
        new AggregatorBench(JavaSparkContext.fromSparkContext(spark.sparkContext()), options).run();
    assertThat(report)
        .containsEntry("parameters", 1_000L)
        .containsEntry("workers_that_took_part", 3)
        .containsEntry("encrypted", false)
        .containsEntry("bound_holds", true)
        .containsKeys("step", "memory_copies", "driver_heap_peak_bytes")
        .doesNotContainKey("broadcast_tree_reduce_over_step");
  }
}
