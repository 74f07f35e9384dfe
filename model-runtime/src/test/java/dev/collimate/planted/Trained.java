package dev.collimate.planted;

import dev.collimate.planted.Judged.Side;
import java.util.List;

/** A trained model beside the one that it started from. */
interface Trained {

  Planted data();

  /** By how much the model prefers the better answer: of log-ratios to the start, or of scores. */
  double[] margins(List<Judged> pairs);

  /** {@code log p(completion) - log p_start(completion)} in nats; of a reward model the scores. */
  double[] shifts(List<Side> sides);

  /** Tokens of a completion, the end of sequence among them. */
  int tokens(Side side);

  /** Mean negative log-probability of a token in nats. */
  double negativeLogProb(List<Side> sides);

  /** What SparsePO's mask lets through of each of a completion's tokens. */
  List<float[]> masks(List<Side> sides);

  /** A mean that the objective reports of unseen rows; NaN where it reports none. */
  double reported(String metric);

  /** Completions drawn at temperature 1, one after each prompt; without the end of sequence. */
  List<String> drawn(List<String> prompts);

  /** The same of the model at the start. */
  List<String> drawnAtStart(List<String> prompts);
}
