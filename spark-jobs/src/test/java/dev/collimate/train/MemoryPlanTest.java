package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;

class MemoryPlanTest {

  private static final long GIB = 1L << 30;

  @Test
  void theOverheadIsSetWhereTheUserDidNot() {
    SparkConf spark = new SparkConf(false).set("spark.executor.memory", "2g");
    new MemoryPlan(3 * GIB, GIB, GIB / 8).applyTo(spark);
    assertThat(spark.get("spark.executor.memoryOverhead")).isEqualTo("3072m");
  }

  @Test
  void aSmallerOverheadIsRefusedWithTheSum() {
    SparkConf spark =
        new SparkConf(false)
            .set("spark.executor.memory", "2g")
            .set("spark.executor.memoryOverhead", "384");
    assertThatThrownBy(() -> new MemoryPlan(3 * GIB, GIB, GIB / 8).applyTo(spark))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "spark.executor.memoryOverhead: 384 MiB do not hold libtorch, weights, activations and gradients, which need"
                + " 3072 MiB; set it to 3072m");
  }

  @Test
  void aSmallHeapIsRefused() {
    SparkConf spark = new SparkConf(false).set("spark.executor.memory", "512m");
    assertThatThrownBy(() -> new MemoryPlan(GIB, 2 * GIB, GIB / 8).applyTo(spark))
        .hasMessageContaining(
            "spark.executor.memory: 512 MiB do not hold what a worker holds on its heap");
  }

  @Test
  void aSmallDriverIsRefused() {
    SparkConf spark = new SparkConf(false).set("spark.executor.memory", "2g");
    assertThatThrownBy(() -> new MemoryPlan(GIB, GIB, Long.MAX_VALUE / 2).applyTo(spark))
        .hasMessageContaining("spark.driver.memory: ");
  }
}
