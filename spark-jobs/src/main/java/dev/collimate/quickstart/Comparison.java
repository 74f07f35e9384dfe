package dev.collimate.quickstart;

import java.util.List;

/**
 * What the quick start ends with: three models on the same unseen problems.
 *
 * @param sft learnt from the faulty demonstrations
 * @param control SFT continued on the chosen answers
 * @param dpo SFT followed by DPO for as many steps
 */
record Comparison(Scores sft, Scores control, Scores dpo) {

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
  record Scores(Proportion greedy, Proportion sampled, Proportion pairs) {}

  /** Whether DPO did what it is for. */
  boolean holds() {
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

  /** The table and the verdict, for people. */
  String text() {
    StringBuilder text = new StringBuilder();
    line(text, "", "greedy answers right", "at temperature 1", "pair accuracy");
    row(text, "SFT", sft);
    row(text, "SFT on chosen answers (control)", control);
    row(text, "DPO", dpo);
    text.append(
        "%d unseen problems, %d unseen pairs; 95 %% Wilson intervals.%n"
            .formatted(sft.greedy.trials(), sft.pairs.trials()));
    text.append(
        "DPO against SFT: pair accuracy %+.1f points (more than %.0f needed), greedy accuracy %+.1f standard errors (more than %.0f needed): %s%n"
            .formatted(
                100 * pairGain(),
                100 * PAIR_POINTS,
                greedyGain(),
                GREEDY_STANDARD_ERRORS,
                holds() ? "holds" : "does not hold"));
    return text.toString();
  }

  private static void row(StringBuilder text, String name, Scores scores) {
    List<Proportion> cells = List.of(scores.greedy, scores.sampled, scores.pairs);
    line(text, name, cells.get(0), cells.get(1), cells.get(2));
  }

  private static void line(StringBuilder text, Object... cells) {
    text.append("%-32s %-22s %-22s %s%n".formatted(cells));
  }
}
