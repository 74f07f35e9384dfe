package dev.collimate.train;

import dev.collimate.CollimateException;
import dev.collimate.reward.RewardContext;
import dev.collimate.reward.RewardFunction;
import java.util.Optional;

/** What rewards may ask of the driver. */
final class DriverRewardContext implements RewardContext {

  @Override
  public Optional<String> secret(String name) {
    return Optional.ofNullable(System.getenv(name));
  }

  @Override
  public RewardFunction model(String folder) {
    throw CollimateException.usage("rewards: a reward model is not supported yet");
  }
}
