package dev.collimate.reward;

import java.util.Optional;

/** What a reward may need of the run that asks it. */
public interface RewardContext {

  /**
   * A secret, such as an API key, by the name of an environment variable of the driver or of a
   * Hadoop credential. It must not be logged, nor stand in a message.
   */
  Optional<String> secret(String name);

  /**
   * The scores that a reward model gives, computed on the executors.
   *
   * @param folder of a model with a score head
   * @throws dev.collimate.CollimateException where it is none
   */
  RewardFunction model(String folder);
}
