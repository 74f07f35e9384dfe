package dev.collimate.reward;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/** Completions for tests, and what a built-in reward says of them. */
final class RewardRows {

  /** A run without secrets and without executors. */
  static final RewardContext NO_CONTEXT =
      new RewardContext() {
        @Override
        public Optional<String> secret(String name) {
          return Optional.empty();
        }

        @Override
        public RewardFunction model(String folder) {
          throw new IllegalStateException("no executors here");
        }
      };

  private RewardRows() {}

  static Rollout row(String completion, Map<String, String> columns) {
    return new Rollout("key", 0, "prompt", completion, new int[] {1, 2, 3}, true, columns);
  }

  /** Completions {@code row 0}, {@code row 1}, …; four of each prompt. */
  static List<Rollout> rows(int count) {
    return IntStream.range(0, count)
        .mapToObj(
            i ->
                new Rollout(
                    "prompt-" + i / 4, i % 4, "say", "row " + i, new int[] {i}, true, Map.of()))
        .toList();
  }

  /** The reward of one row. */
  static OptionalDouble score(String name, Map<String, Object> options, Rollout row) {
    RewardSpec spec = RewardFunctions.find(name).orElseThrow();
    try {
      return spec.create()
          .apply(RewardFunctions.options(spec, options), NO_CONTEXT)
          .get()
          .score(RewardBatch.of(List.of(row)))
          .get(0);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}
