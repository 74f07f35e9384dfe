package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.Hash128;
import java.util.List;
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

  private static Hash128 hash(FlatVector vector) {
    return Hash128.of(vector, new byte[0]);
  }
}
