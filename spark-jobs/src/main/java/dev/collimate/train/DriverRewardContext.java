package dev.collimate.train;

import dev.collimate.CollimateException;
import dev.collimate.reward.RewardContext;
import dev.collimate.reward.RewardFunction;
import java.io.IOException;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/**
 * What rewards may ask of the driver.
 *
 * @param configuration whose credential providers may hold secrets
 */
record DriverRewardContext(Configuration configuration) implements RewardContext {

  @Override
  public Optional<String> secret(String name) {
    return Optional.ofNullable(System.getenv(name)).or(() -> credential(name));
  }

  private Optional<String> credential(String name) {
    try {
      return Optional.ofNullable(configuration.getPassword(name)).map(String::new);
    } catch (IOException e) {
      throw new CollimateException(
          CollimateException.Kind.USAGE,
          "the Hadoop credential '%s' cannot be read: %s".formatted(name, e.getMessage()),
          e);
    }
  }

  @Override
  public RewardFunction model(String folder) {
    throw CollimateException.usage("rewards: a reward model is not supported yet");
  }
}
