package dev.collimate.reward;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.CollimateException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A {@link RewardMixer} of prompts as texts, with the rewards that it is of. What it sees of a
 * prompt is which words it has: their counts in 256 buckets by hash (Weinberger et al. 2009,
 * arXiv:0902.2206), a vector of length 1; all numbers are one word. PRO has an encoder there.
 *
 * @param rewards labels, in the order of the mixer
 */
public record PromptMixer(List<String> rewards, RewardMixer mixer) {

  private static final int BUCKETS = 256;
  private static final Pattern WORD = Pattern.compile("\\p{L}+|\\p{N}+");

  /** FNV-1a of 32 bits. */
  private static final int HASH_START = 0x811c9dc5;

  private static final int HASH_FACTOR = 0x01000193;

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES);

  /**
   * A preferred answer.
   *
   * @param rewards what each reward gave it
   */
  public record Preferred(String prompt, double[] rewards) {}

  public PromptMixer {
    rewards = List.copyOf(rewards);
  }

  /**
   * Fits a mixer.
   *
   * @param answers at least one
   * @param temperature of the targets, above 0
   */
  public static PromptMixer fit(List<String> rewards, List<Preferred> answers, double temperature) {
    List<RewardMixer.Preferred> rows = new ArrayList<>();
    answers.forEach(
        answer -> rows.add(new RewardMixer.Preferred(features(answer.prompt()), answer.rewards())));
    return new PromptMixer(rewards, RewardMixer.fit(rows, temperature));
  }

  /**
   * The weights for a prompt.
   *
   * @return [rewards], above 0, of sum 1
   */
  public double[] weights(String prompt) {
    return mixer.weights(features(prompt));
  }

  /**
   * What a completion of the prompt is worth.
   *
   * @param values NaN for a reward that does not apply, which adds nothing
   * @return NaN where none applies
   */
  double mixed(String prompt, List<Double> values) {
    double[] weights = weights(prompt);
    double[] normalised =
        mixer.normalised(values.stream().mapToDouble(Double::doubleValue).toArray());
    double sum = 0;
    boolean isJudged = false;
    for (int k = 0; k < weights.length; k++) {
      if (!Double.isNaN(normalised[k])) {
        sum += weights[k] * normalised[k];
        isJudged = true;
      }
    }
    return isJudged ? sum : Double.NaN;
  }

  private static double[] features(String prompt) {
    double[] counts = new double[BUCKETS];
    Matcher words = WORD.matcher(prompt.toLowerCase(Locale.ROOT));
    while (words.find()) {
      String word = Character.isDigit(words.group().codePointAt(0)) ? "0" : words.group();
      int hash = HASH_START;
      for (int i = 0; i < word.length(); i++) {
        hash = (hash ^ word.charAt(i)) * HASH_FACTOR;
      }
      counts[Math.floorMod(hash, BUCKETS)]++;
    }
    double length = StrictMath.sqrt(Arrays.stream(counts).map(count -> count * count).sum());
    return length == 0 ? counts : Arrays.stream(counts).map(count -> count / length).toArray();
  }

  /** As {@link #ofJson} reads it, to the bit. */
  public String toJson() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new AssertionError("a record of plain values becomes JSON", e);
    }
  }

  /**
   * Reads a mixer.
   *
   * @param key that named the file, and the file, for messages
   * @throws CollimateException of kind USAGE where the text is no mixer
   */
  public static PromptMixer ofJson(String json, String key, String file) {
    try {
      PromptMixer read = JSON.readValue(json, PromptMixer.class);
      read.requireShape();
      return read;
    } catch (JsonProcessingException | IllegalArgumentException e) {
      throw new CollimateException(
          CollimateException.Kind.USAGE,
          "%s: '%s' is no mixer of rewards; collimate mix writes one".formatted(key, file),
          e);
    }
  }

  private void requireShape() {
    boolean fits =
        !rewards.isEmpty()
            && mixer.means().length == rewards.size()
            && mixer.deviations().length == rewards.size()
            && mixer.matrix().length == rewards.size()
            && Arrays.stream(mixer.matrix()).allMatch(row -> row.length == BUCKETS + 1);
    if (!fits) {
      throw new IllegalArgumentException("a mixer of another shape");
    }
  }
}
