package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.parameters.FlatVector;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AggregatorTest {

  private static final long SIZE = 3L * FlatVector.BLOCK + 1_234;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void theSumHasTheReferenceBitsForAnyNumberOfWorkers(int workers) {
    try (Cluster cluster = Cluster.of(workers)) {
      for (int i = 0; i < workers; i++) {
        cluster.add(place -> new KnownVectors.Task());
      }
      assertThat(cluster.aggregator().awaitWorkers()).isEqualTo(workers);
      for (long version = 1; version <= 4; version++) {
        FlatVector parameters = KnownVectors.parameters(SIZE, version);
        StepResult step = cluster.aggregator().step(version, parameters, KnownVectors.payloads(13));
        assertThat(hash(step.gradient())).isEqualTo(hash(KnownVectors.sum(13, parameters)));
        assertThat(step.leaves()).hasSize(13);
        for (int leaf = 0; leaf < 13; leaf++) {
          assertThat(step.leaves().get(leaf)).isEqualTo(KnownVectors.result(leaf, parameters));
        }
        assertThat(step.stats().leavesByWorker().values().stream().mapToInt(n -> n).sum())
            .isEqualTo(13);
        assertThat(step.stats().releases()).isZero();
      }
    }
  }

  @ParameterizedTest(name = "leases of at most {0} leaves")
  @ValueSource(ints = {1, 64})
  void roundedGradientsHaveTheSameSumWhoeverAddsThem(int maxLeaseLeaves) {
    AggregatorConfig config =
        new AggregatorConfig(2, 20, 30, 5, 900, 10, maxLeaseLeaves, false, GradientFormat.BFLOAT16);
    try (Cluster cluster = new Cluster(config, RegistrationPolicy.ANYONE, Cluster.plain())) {
      cluster.add(place -> new KnownVectors.Task());
      cluster.add(place -> new KnownVectors.Task());
      FlatVector parameters = KnownVectors.parameters(SIZE, 1);
      StepResult step = cluster.aggregator().step(1, parameters, KnownVectors.payloads(13));
      assertThat(hash(step.gradient()))
          .isEqualTo(hash(KnownVectors.sum(13, parameters, GradientFormat.BFLOAT16)))
          .isNotEqualTo(hash(KnownVectors.sum(13, parameters)));
    }
  }

  @Test
  void callsAreAnsweredInOrder() {
    try (Cluster cluster = Cluster.of(2)) {
      cluster.add(place -> new KnownVectors.Task());
      cluster.add(place -> new KnownVectors.Task());
      FlatVector parameters = KnownVectors.parameters(SIZE, 7);
      List<byte[]> results = cluster.aggregator().map(7, parameters, KnownVectors.payloads(50));
      assertThat(results).hasSize(50);
      for (int i = 0; i < 50; i++) {
        assertThat(results.get(i)).isEqualTo(KnownVectors.result(i, parameters));
      }
    }
  }

  @Test
  void theNextVersionIsPulledWhileItIsComputed() throws InterruptedException {
    Queue<Long> given = new ConcurrentLinkedQueue<>();
    CountDownLatch pulled = new CountDownLatch(2);
    WorkerTaskFactory recording =
        place ->
            new KnownVectors.Task() {
              @Override
              public void parameters(long version, FlatVector values) {
                given.add(version);
                if (version == 2) {
                  pulled.countDown();
                }
                super.parameters(version, values);
              }
            };
    try (Cluster cluster = Cluster.of(2)) {
      cluster.add(recording);
      cluster.add(recording);
      cluster.aggregator().awaitWorkers();
      FlatVector parameters = KnownVectors.parameters(SIZE, 1);
      cluster.aggregator().step(1, parameters, KnownVectors.payloads(13));

      FlatVector next = KnownVectors.parameters(SIZE, 2);
      parameters.fill(Float.NaN);
      IntConsumer computed = cluster.aggregator().announce(2, parameters);
      for (int block = 0; block < parameters.blockCount(); block++) {
        assertThat(given).doesNotContain(2L);
        System.arraycopy(
            next.block(block), 0, parameters.block(block), 0, next.block(block).length);
        computed.accept(block + 1);
      }
      assertThat(pulled.await(20, TimeUnit.SECONDS)).isTrue();
      StepResult step = cluster.aggregator().step(2, parameters, KnownVectors.payloads(13));
      assertThat(hash(step.gradient())).isEqualTo(hash(KnownVectors.sum(13, next)));
      assertThat(Collections.frequency(given, 2L)).as("nobody pulled it again").isEqualTo(2);
    }
  }

  /** One that still sends, or has just come, is told of it when it asks. */
  @Test
  void whoAsksLaterPullsTheNextVersionToo() throws InterruptedException {
    CountDownLatch pulled = new CountDownLatch(1);
    try (Cluster cluster = Cluster.of(1)) {
      FlatVector parameters = KnownVectors.parameters(SIZE, 1);
      IntConsumer computed = cluster.aggregator().announce(1, parameters);
      cluster.add(
          place ->
              new KnownVectors.Task() {
                @Override
                public void parameters(long version, FlatVector values) {
                  pulled.countDown();
                  super.parameters(version, values);
                }
              });
      cluster.aggregator().awaitWorkers();
      computed.accept(parameters.blockCount());
      assertThat(pulled.await(20, TimeUnit.SECONDS)).isTrue();
      StepResult step = cluster.aggregator().step(1, parameters, KnownVectors.payloads(13));
      assertThat(hash(step.gradient())).isEqualTo(hash(KnownVectors.sum(13, parameters)));
    }
  }

  /** The run may end, or another version come, before the announced one was computed. */
  @Test
  void anAnnouncedVersionThatNeverComesHoldsNobodyUp() {
    try (Cluster cluster = Cluster.of(1)) {
      cluster.add(place -> new KnownVectors.Task());
      cluster.aggregator().awaitWorkers();
      var unused = cluster.aggregator().announce(1, KnownVectors.parameters(SIZE, 1));
      FlatVector parameters = KnownVectors.parameters(SIZE, 2);
      StepResult step = cluster.aggregator().step(2, parameters, KnownVectors.payloads(5));
      assertThat(hash(step.gradient())).isEqualTo(hash(KnownVectors.sum(5, parameters)));
      unused = cluster.aggregator().announce(3, parameters);
    }
  }

  private static ResultHash hash(FlatVector vector) {
    return ResultHash.of(vector, new byte[0]);
  }
}
