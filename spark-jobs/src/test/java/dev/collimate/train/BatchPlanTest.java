package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BatchPlanTest {

  private static int[] forwards(int rows) {
    return IntStream.range(0, rows).toArray();
  }

  private static int[] backwards(int rows) {
    return IntStream.range(0, rows).map(row -> rows - 1 - row).toArray();
  }

  private static BatchPlan plan(int rows, int globalBatchSize, int microBatchSize, long steps) {
    return new BatchPlan(
        rows, globalBatchSize, microBatchSize, steps, epoch -> forwards(rows), row -> 1);
  }

  @Test
  void rowsOfLikeLengthShareAMicroBatchAndTheLongestComeFirst() {
    int[] lengths = {3, 9, 3, 8, 1, 2, 7, 4};
    BatchPlan plan = new BatchPlan(8, 4, 2, 2, epoch -> forwards(8), row -> lengths[row]);
    assertThat(plan.step(1).microBatches()).containsExactly(new int[] {1, 3}, new int[] {0, 2});
    assertThat(plan.step(2).microBatches()).containsExactly(new int[] {6, 7}, new int[] {5, 4});
  }

  @Test
  void theLastBatchOfAnEpochHoldsWhatIsLeft() {
    BatchPlan plan = plan(10, 4, 3, 6);
    assertThat(plan.step(1).microBatches()).containsExactly(new int[] {0, 1, 2}, new int[] {3});
    assertThat(plan.step(3).microBatches()).containsExactly(new int[] {8, 9});
    assertThat(plan.step(4).rows()).containsExactly(0, 1, 2, 3);
  }

  @Test
  void everyEpochHasItsOwnOrder() {
    BatchPlan plan =
        new BatchPlan(4, 2, 2, 4, epoch -> epoch == 0 ? forwards(4) : backwards(4), row -> 1);
    assertThat(plan.step(2).rows()).containsExactly(2, 3);
    assertThat(plan.step(3).rows()).containsExactly(3, 2);
    assertThat(plan.step(1).rows()).as("steps may be asked for in any order").containsExactly(0, 1);
  }

  @Test
  void aBatchOfAnySizeHoldsAllRows() {
    assertThat(BatchPlan.stepsForEpochs(2, 10, Integer.MAX_VALUE)).isEqualTo(2);
    BatchPlan plan = plan(10, Integer.MAX_VALUE, Integer.MAX_VALUE, 2);
    assertThat(plan.step(2).rows()).hasSize(10);
    assertThat(plan.step(2).epochsDone()).isEqualTo(2.0);
  }

  @Test
  void aPartOfAnEpochIsRoundedUpToAStep() {
    assertThat(BatchPlan.stepsForEpochs(1, 10, 4)).isEqualTo(3);
    assertThat(BatchPlan.stepsForEpochs(0.5, 10, 4)).isEqualTo(2);
    assertThat(BatchPlan.stepsForEpochs(2.1, 10, 4)).isEqualTo(7);
  }

  @Test
  void epochsDoneIsAFractionOfTheStepsOfAnEpoch() {
    BatchPlan plan = plan(10, 4, 4, 6);
    assertThat(plan.step(2).epochsDone()).isEqualTo(2.0 / 3);
    assertThat(plan.step(3).epochsDone()).isEqualTo(1.0);
  }

  @Test
  void replicasShareABatchWithoutOverlap() {
    BatchPlan plan = plan(10, 4, 2, 6);
    assertThat(plan.share(1, 0, 3).rows()).containsExactly(0, 3);
    assertThat(plan.share(1, 1, 3).rows()).containsExactly(1);
    assertThat(plan.share(1, 2, 3).rows()).containsExactly(2);
  }

  @Test
  void aReplicaMayHaveNoRowsInTheLastBatchOfAnEpoch() {
    BatchPlan plan = plan(10, 4, 2, 7);
    assertThat(plan.share(3, 2, 3).microBatches()).isEmpty();
    assertThat(plan.sharesTaken(7, 2)).isEqualTo(5);
    assertThat(plan.sharesTaken(7, 1)).isEqualTo(7);
  }

  @Test
  void rowsBeyondTheLastStepAreNotReached() {
    assertThat(plan(10, 4, 4, 2).rowsReached()).isEqualTo(8);
    assertThat(plan(10, 4, 4, 3).rowsReached()).isEqualTo(10);
  }
}
