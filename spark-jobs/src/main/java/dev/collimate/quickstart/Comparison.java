package dev.collimate.quickstart;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * What the quick start ends with: three models on the same unseen problems.
 *
 * @param sft learnt from the faulty demonstrations
 * @param control SFT continued on the chosen answers
 * @param dpo SFT followed by DPO for as many steps
 */
public record Comparison(Scores sft, Scores control, Scores dpo) {

  /** By how much DPO must beat SFT in pair accuracy. */
  static final double PAIR_POINTS = 0.10;

  /** By how many standard errors of the difference DPO must beat SFT in greedy accuracy. */
  static final double GREEDY_STANDARD_ERRORS = 3;

  /**
   * One model.
   *
   * @param greedy right answers, each token the most probable
   * @param sampled right answers, drawn at temperature 1
   * @param pairs held-out pairs whose right answer has the larger log-probability
   */
  public record Scores(Proportion greedy, Proportion sampled, Proportion pairs) {}

  /** Whether DPO did what it is for. */
  public boolean holds() {
    return pairGain() > PAIR_POINTS && greedyGain() > GREEDY_STANDARD_ERRORS;
  }

  private double pairGain() {
    return dpo.pairs.rate() - sft.pairs.rate();
  }

  /** In standard errors. */
  private double greedyGain() {
    double difference = dpo.greedy.rate() - sft.greedy.rate();
    double error = Proportion.standardErrorOfDifference(dpo.greedy, sft.greedy);
    return difference == 0 ? 0 : difference / error;
  }

  /** The table and the verdict, for programs. */
  public Map<String, Object> values() {
    Map<String, Object> values = new LinkedHashMap<>();
    put(values, "sft", sft);
    put(values, "control", control);
    put(values, "dpo", dpo);
    values.put("pair_accuracy_gain", pairGain());
    values.put("greedy_gain_standard_errors", greedyGain());
    values.put("holds", holds());
    return values;
  }

  private static void put(Map<String, Object> values, String model, Scores scores) {
    scores.greedy.put(values, model + "/greedy_accuracy");
    scores.sampled.put(values, model + "/sampled_accuracy");
    scores.pairs.put(values, model + "/pair_accuracy");
  }

  /** The table and the verdict, for people. */
  public String text() {
    StringBuilder text = new StringBuilder();
    line(text, "", "greedy answers right", "at temperature 1", "pair accuracy");
    row(text, "SFT", sft);
    row(text, "SFT on chosen answers (control)", control);
    row(text, "DPO", dpo);
    text.append(
        String.format(
            Locale.ROOT,
            "%d unseen problems, %d unseen pairs; 95 %% Wilson intervals.%n"
                + "DPO against SFT: pair accuracy %+.1f points (more than %.0f needed), greedy"
                + " accuracy %+.1f standard errors (more than %.0f needed): %s%n",
            sft.greedy.trials(),
            sft.pairs.trials(),
            100 * pairGain(),
            100 * PAIR_POINTS,
            greedyGain(),
            GREEDY_STANDARD_ERRORS,
            holds() ? "holds" : "does not hold"));
    return text.toString();
  }

  private static void row(StringBuilder text, String name, Scores scores) {
    line(text, name, scores.greedy, scores.sampled, scores.pairs);
  }

  private static void line(StringBuilder text, Object... cells) {
    text.append(String.format(Locale.ROOT, "%-32s %-22s %-22s %s%n", cells));
  }
}
