package org.example.reward;

import dev.collimate.reward.RewardBatch;
import dev.collimate.reward.RewardFunction;
import java.util.List;
import java.util.OptionalDouble;

/** The shortest reward of a user's own: a class without options, named in the run file. */
public final class Length implements RewardFunction {

  @Override
  public List<OptionalDouble> score(RewardBatch batch) {
    return batch.completionIds().stream().map(ids -> OptionalDouble.of(ids.length)).toList();
  }
}
