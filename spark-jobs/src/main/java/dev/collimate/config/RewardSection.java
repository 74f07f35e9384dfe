package dev.collimate.config;

import static dev.collimate.config.Key.Role.IDENTITY;

import dev.collimate.reward.RewardChoice;
import dev.collimate.reward.RewardFunctions;
import dev.collimate.reward.RewardLimits;
import dev.collimate.reward.RewardSpec;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One of the {@code rewards}: what scores completions.
 *
 * @param options every option of the reward by its key, defaults included
 */
public record RewardSection(
    @Key(
            role = IDENTITY,
            meaning = "A reward of the table, or a class in a jar given with `--jars`.")
        String name,
    @Key(
            role = IDENTITY,
            usual = "null",
            meaning = "What metrics call it, where that is not its name.")
        Optional<String> label,
    @Key(
            role = IDENTITY,
            usual = "1.0",
            meaning = "What its scores are multiplied by before they are added.")
        double weight,
    @Key(
            role = IDENTITY,
            usual = "null",
            range = "> 0",
            meaning = "The longest that a call may take, in seconds; `null`: usual for the reward.")
        Optional<Double> timeout,
    @Key(
            role = IDENTITY,
            usual = "null",
            range = ">= 1",
            meaning = "Completions of a call; `null`: usual for the reward.")
        OptionalInt batchSize,
    @Key(
            role = IDENTITY,
            usual = "null",
            range = ">= 1",
            meaning = "Calls at the same time; `null`: usual for the reward.")
        OptionalInt concurrency,
    Map<String, Object> options) {

  private static final int MILLIS = 1000;

  public RewardSection {
    options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
  }

  /** What metrics call it. */
  public String shownAs() {
    return label.orElse(name);
  }

  /** The reward as it is asked. */
  public RewardChoice choice() {
    RewardLimits limits =
        RewardFunctions.find(name).map(RewardSpec::limits).orElse(RewardLimits.USUAL);
    if (timeout.isPresent()) {
      limits = limits.withTimeout(Duration.ofMillis(Math.round(timeout.get() * MILLIS)));
    }
    if (batchSize.isPresent()) {
      limits = limits.withBatchSize(batchSize.getAsInt());
    }
    if (concurrency.isPresent()) {
      limits = limits.withConcurrency(concurrency.getAsInt());
    }
    return new RewardChoice(name, shownAs(), weight, limits, options);
  }

  /** All keys as they would be written. */
  Map<String, Object> resolved() {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("name", name);
    values.put("label", label.orElse(null));
    values.put("weight", weight);
    values.put("timeout", timeout.orElse(null));
    values.put("batch_size", batchSize.isPresent() ? batchSize.getAsInt() : null);
    values.put("concurrency", concurrency.isPresent() ? concurrency.getAsInt() : null);
    values.putAll(options);
    return values;
  }
}
