package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.data.LocalSpark;
import dev.collimate.parameters.FlatVector;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Seats on Spark's local mode, where the driver's JVM is the only executor. */
@ExtendWith(LocalSpark.class)
class WorkerSeatsTest {

  private static final AtomicInteger MADE = new AtomicInteger();

  private final JavaSparkContext spark;

  WorkerSeatsTest(SparkSession session) {
    spark = JavaSparkContext.fromSparkContext(session.sparkContext());
  }

  @BeforeEach
  void countAnew() {
    MADE.set(0);
  }

  @Test
  void aJvmHoldsOneWorkerHoweverManySeatsThereAre() {
    Aggregator aggregator =
        Aggregator.start(
            AggregatorConfig.forWorkers(2).withWaits(1, 60), RegistrationPolicy.ANYONE);
    try (WorkerSeats seats = WorkerSeats.open(spark, aggregator, place -> new Counted(), 2);
        aggregator) {
      assertThat(aggregator.awaitWorkers()).isEqualTo(1);
      FlatVector parameters = KnownVectors.parameters(1_000, 1);
      StepResult step = aggregator.step(1, parameters, KnownVectors.payloads(6));
      assertThat(ResultHash.of(step.gradient(), new byte[0]))
          .isEqualTo(ResultHash.of(KnownVectors.sum(6, parameters), new byte[0]));
      assertThat(MADE).hasValue(1);
      assertThat(aggregator.workers()).extracting(WorkerPlace::executorId).containsOnly("driver");
    }
  }

  @Test
  void aWorkerWhoseTaskFailsIsReplacedAndTheStepGoesOn() {
    Aggregator aggregator =
        Aggregator.start(
            AggregatorConfig.forWorkers(1).withWaits(20, 60), RegistrationPolicy.ANYONE);
    try (WorkerSeats seats = WorkerSeats.open(spark, aggregator, place -> new FailsFirst(), 1);
        aggregator) {
      aggregator.awaitWorkers();
      FlatVector parameters = KnownVectors.parameters(1_000, 1);
      StepResult step = aggregator.step(1, parameters, KnownVectors.payloads(6));
      assertThat(ResultHash.of(step.gradient(), new byte[0]))
          .isEqualTo(ResultHash.of(KnownVectors.sum(6, parameters), new byte[0]));
      assertThat(step.stats().releases()).isPositive();
      assertThat(MADE).hasValue(2);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aRunWhoseWorkersCanNeverStartEndsAtOnceWithTheFirstCause(boolean unreadable) {
    Aggregator aggregator =
        Aggregator.start(
            AggregatorConfig.forWorkers(2).withWaits(60, 300), RegistrationPolicy.ANYONE);
    WorkerTaskFactory tasks = unreadable ? new Unreadable(1) : place -> refuse();
    long start = System.nanoTime();
    try (WorkerSeats seats = WorkerSeats.open(spark, aggregator, tasks, 2);
        aggregator) {
      assertThatThrownBy(aggregator::awaitWorkers)
          .isInstanceOf(CollimateException.class)
          .hasMessageMatching(
              "no worker can start, on any executor that was tried; first on .*: model: there is"
                  + " no folder '/there'");
    }
    assertThat((System.nanoTime() - start) / 1e9).isLessThan(60);
  }

  private static WorkerTask refuse() {
    throw CollimateException.usage("model: there is no folder '/there'");
  }

  /** What travels cannot be read where it arrives. */
  private record Unreadable(int number) implements WorkerTaskFactory {
    private Object readResolve() {
      return refuse();
    }

    @Override
    public WorkerTask create(WorkerPlace place) {
      throw new IllegalStateException("nobody could read this");
    }
  }

  private static class Counted extends KnownVectors.Task {
    private Counted() {
      MADE.incrementAndGet();
    }
  }

  private static final class FailsFirst extends Counted {
    private final boolean sick = MADE.get() == 1;

    @Override
    public byte[] leaf(byte[] payload, FlatVector gradientOut, BooleanSupplier isVoid) {
      if (sick && KnownVectors.leaf(payload) == 3) {
        throw new IllegalStateException("out of luck");
      }
      return super.leaf(payload, gradientOut, isVoid);
    }
  }
}
