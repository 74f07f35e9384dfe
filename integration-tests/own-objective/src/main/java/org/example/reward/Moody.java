package org.example.reward;

import dev.collimate.reward.RewardBatch;
import dev.collimate.reward.RewardFunction;
import java.io.IOException;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.CountDownLatch;

/**
 * A reward that fails in all the ways there are, by the number in the prompt: it never answers,
 * throws, says what is no number, or does not apply.
 */
public final class Moody implements RewardFunction {

  @Override
  public List<OptionalDouble> score(RewardBatch batch) throws IOException, InterruptedException {
    int number = Integer.parseInt(batch.prompts().get(0).replaceAll("\\D", ""));
    return switch (number % 5) {
      case 0 -> {
        new CountDownLatch(1).await();
        yield List.of();
      }
      case 1 -> throw new IOException("not today");
      case 2 -> List.of(OptionalDouble.of(Double.NaN));
      case 3 -> List.of(OptionalDouble.empty());
      default -> List.of(OptionalDouble.of(1));
    };
  }
}
