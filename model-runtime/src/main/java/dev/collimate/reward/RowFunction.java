package dev.collimate.reward;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/** A reward of a row by itself. */
@FunctionalInterface
interface RowFunction {

  /** The reward of one row of the batch; empty where it does not apply. */
  OptionalDouble reward(RewardBatch batch, int row);

  /** Of every row of a batch. */
  default RewardFunction ofRows() {
    return batch -> {
      List<OptionalDouble> rewards = new ArrayList<>();
      for (int row = 0; row < batch.size(); row++) {
        rewards.add(reward(batch, row));
      }
      return rewards;
    };
  }

  /** 1 for what is right, 0 for what is wrong. */
  static OptionalDouble oneIf(boolean isRight) {
    return OptionalDouble.of(isRight ? 1 : 0);
  }
}
