package dev.collimate.train;

import dev.collimate.reward.RewardBatch;
import dev.collimate.reward.RewardFunction;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * A user's own reward: the share of a completion's characters that are one of the row's {@code
 * letter}s.
 */
public final class LetterReward implements RewardFunction {

  @Override
  public List<OptionalDouble> score(RewardBatch batch) {
    return IntStream.range(0, batch.size())
        .mapToObj(
            row -> share(batch.completions().get(row), batch.column("letter", row).orElseThrow()))
        .toList();
  }

  private static OptionalDouble share(String completion, String letters) {
    long found = completion.chars().filter(c -> letters.indexOf(c) >= 0).count();
    return OptionalDouble.of(completion.isEmpty() ? 0 : (double) found / completion.length());
  }
}
