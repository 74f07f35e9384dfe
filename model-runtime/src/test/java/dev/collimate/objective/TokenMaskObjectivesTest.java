package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.nn.Quantity;
import dev.collimate.nn.TokenMask;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Objectives that read hidden states and divergences of whole distributions. */
class TokenMaskObjectivesTest {

  private static final Offset<Double> EXACT = within(1e-12);

  private static Objective sparse(Map<String, Object> options) {
    return DeclaredColumns.over(Objectives.create("sparsepo", options));
  }

  private static double cost(double margin) {
    return Math.log1p(Math.exp(-margin));
  }

  private static TestRow pair() {
    return new TestRow("row")
        .tokens("chosen", new double[] {-1, -2}, new float[] {-1.5f, -1})
        .tokens("rejected", new double[] {-3, -0.5, -1}, new float[] {-2, -1, -1.25f});
  }

  /** a = 0.5, -1 and -1, 0.5, 0.25. */
  private static TestRow divergent() {
    return pair()
        .quantity("chosen", Quantity.REFERENCE_KL, 0.25f, 0.5f)
        .quantity("rejected", Quantity.REFERENCE_KL, 0.125f, 0, 1);
  }

  // sparsepo

  /** u = -0.5 + 0.25, KL of chosen 0.75 and of rejected 1.125: u - d = -0.25 - (1.125 - 0.75). */
  @Test
  void masksOfOneAreTdposFirstVariant() {
    TestRow row = divergent();
    TestBatch batch = TestBatch.first(sparse(Map.of("mask", "ones", "beta", 0.5)), row);

    assertThat(batch.differentiate(batch.plan())).isCloseTo(cost(0.5 * -0.625), EXACT);
    double slope = -0.5 / (1 + Math.exp(0.5 * -0.625));
    assertThat(row.gradient("chosen")).containsExactly(new double[] {slope, slope}, EXACT);
    assertThat(row.gradient("chosen", Quantity.REFERENCE_KL))
        .containsExactly(new double[] {slope, slope}, EXACT);
    assertThat(row.gradient("rejected", Quantity.REFERENCE_KL))
        .containsExactly(new double[] {-slope, -slope, -slope}, EXACT);
  }

  /**
   * mu = 2, 0 and 1, 0, 0.5: u = 1 - (-1 + 0.125), masked KL 0.5 and 0.125 + 0.5. One mask halves
   * the weights of its mass 2 + 1.5.
   */
  @Test
  void oneLearntMaskWeighsRewardsAndDivergences() {
    TestRow row =
        divergent()
            .quantity("chosen", Quantity.REWARD_MASK, 2, 0)
            .quantity("rejected", Quantity.REWARD_MASK, 1, 0, 0.5f);
    TestBatch batch =
        TestBatch.first(
            sparse(Map.of("mask", "common", "beta", 0.5, "l1_reward", 0.02, "l1_kl", 0.04)), row);

    double loss = batch.differentiate(batch.plan());

    double margin = 0.5 * (1.875 - (0.625 - 0.5));
    assertThat(loss).isCloseTo(cost(margin) + (0.01 + 0.02) * 3.5, EXACT);
    double slope = -0.5 / (1 + Math.exp(margin));
    assertThat(row.gradient("chosen")).containsExactly(new double[] {2 * slope, 0}, EXACT);
    assertThat(row.gradient("chosen", Quantity.REWARD_MASK))
        .containsExactly(
            new double[] {slope * (0.5 + 0.25) + 0.03, slope * (-1 + 0.5) + 0.03}, EXACT);
    assertThat(row.gradient("rejected", Quantity.REWARD_MASK)[0])
        .isCloseTo(-slope * (-1 + 0.125) + 0.03, EXACT);
    assertThat(batch.metrics(batch.plan()))
        .containsEntry("mask_zeros/chosen", 0.5)
        .containsEntry("mask_zeros/rejected", 1 / 3.0);
  }

  @Test
  void independentMasksWeighEachByItself() {
    TestRow row =
        divergent()
            .quantity("chosen", Quantity.REWARD_MASK, 1, 1)
            .quantity("rejected", Quantity.REWARD_MASK, 1, 1, 1)
            .quantity("chosen", Quantity.KL_MASK, 0, 0)
            .quantity("rejected", Quantity.KL_MASK, 0, 0, 0);
    TestBatch batch =
        TestBatch.first(sparse(Map.of("mask", "independent", "l1_reward", 0.01)), row);

    double dpo = TestBatch.first(Objectives.create("dpo", Map.of("beta", 0.8)), pair()).loss();
    assertThat(batch.loss()).isCloseTo(dpo + 0.01 * 5, EXACT);
  }

  /** Two layers: chosen 3, 1 and 0, 4 give 1, 0 and 0, 1; rejected 0, 2, 1 and 5, 5, 5. */
  @Test
  void activationsAreBroughtToZeroToOneLayerByLayer() {
    TestRow row =
        pair()
            .quantity("chosen", Quantity.REFERENCE_ACTIVATIONS, 3, 0, 1, 4)
            .quantity("rejected", Quantity.REFERENCE_ACTIVATIONS, 0, 5, 2, 5, 1, 5);
    TestBatch batch = TestBatch.first(sparse(Map.of("mask", "activation", "beta", 1.0)), row);

    double u = 0.5 * (0.5 - 1) - (0.5 * -1 + 1 * 0.5 + 0.75 * 0.25);
    assertThat(batch.loss()).isCloseTo(cost(u), EXACT);
  }

  @Test
  void theLearntMasksStartAsTorchsModulesDo() {
    TokenMask network = new TokenMask(11, 2);
    List<Double> one = sparse(Map.of("mask", "common")).declaration().initialParameters();
    List<Double> two = sparse(Map.of("mask", "independent")).declaration().initialParameters();

    assertThat(one).hasSize(network.size()).hasSize(2 * 11 + 2 * 12 + 2);
    assertThat(two).hasSize(2 * network.size());
    assertThat(two.subList(0, one.size())).isEqualTo(one);
    assertThat(two.subList(one.size(), two.size())).isNotEqualTo(one);
    assertThat(one.subList(0, 11)).containsOnly(1.0);
    assertThat(one.subList(11, 22)).containsOnly(0.0);
    assertThat(one.subList(22, 46))
        .allSatisfy(weight -> assertThat(Math.abs(weight)).isLessThan(1 / Math.sqrt(11)));
  }

  // degree_weight

  private static final Map<String, Object> DEGREES =
      Map.of("degree_weight", 0.5, "degree_levels", 2.0);

  private static TestRow degraded() {
    return pair().tokens("chosen_degraded_1", -1).tokens("rejected_degraded_1", -2);
  }

  /** Heads of zeros tell nothing: log 2 for either version of either side. */
  @Test
  void aHeadOfZerosCostsTheLogarithmOfTheDegrees() {
    Objective objective = DeclaredColumns.over(Objectives.create("dpo", DEGREES));
    TestRow row = degraded().own(new double[4 * 12]);
    TestBatch batch = TestBatch.first(objective, row);

    double dpo = TestBatch.first(Objectives.create("dpo", Map.of()), pair()).loss();
    assertThat(objective.declaration().initialParameters()).hasSize(4 * 12).containsOnly(0.0);
    assertThat(batch.differentiate(batch.plan())).isCloseTo(dpo + 0.5 * 2 * Math.log(2), EXACT);
    // Whatever it reads, level 0 was right once and wrong once.
    assertThat(row.ownGradient()[0]).isCloseTo(0, EXACT);
    assertThat(batch.metrics(batch.plan())).containsEntry("degree_accuracy", 0.0);
  }

  @Test
  void theDegreesDerivativesAreThoseOfFiniteDifferences() {
    Objective objective = DeclaredColumns.over(Objectives.create("dpo", DEGREES));
    double[] own = new double[4 * 12];
    for (int i = 0; i < own.length; i++) {
      own[i] = Math.sin(3 * i);
    }
    TestRow row = degraded().own(own);
    TestBatch batch = TestBatch.first(objective, row);
    batch.differentiate(batch.plan());
    double[] gradient = row.ownGradient();

    for (int i = 0; i < own.length; i++) {
      double[] moved = own.clone();
      moved[i] += 1e-5;
      double up = TestBatch.first(objective, degraded().own(moved)).loss();
      moved[i] -= 2e-5;
      double down = TestBatch.first(objective, degraded().own(moved)).loss();
      assertThat(gradient[i]).as("parameter %d", i).isCloseTo((up - down) / 2e-5, within(1e-8));
    }
    assertThat(Arrays.stream(row.hiddenGradient("chosen")).allMatch(g -> g != 0)).isTrue();
  }

  @Test
  void withoutAWeightDegreesAreNotRead() {
    Declaration declaration = Objectives.create("dpo", Map.of("degree_weight", 0.0)).declaration();

    assertThat(declaration).isEqualTo(Objectives.create("dpo", Map.of()).declaration());
  }
}
