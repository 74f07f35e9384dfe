package dev.collimate.nn;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What stands on the last hidden state, and what is read off it. */
interface Head {

  /**
   * What was read off the head.
   *
   * @param values [n] each; of scores [n * labels]
   * @param kept what the gradient needs again, where it fits and was asked for
   */
  record Values(Map<Quantity, float[]> values, List<PtNDArray> kept) {}

  /**
   * Reads the quantities off.
   *
   * @param h [n, hidden]
   * @param targets int64 [n]; not read for scores
   * @param keep whether a gradient will be asked for
   * @throws IllegalArgumentException where the head does not give a quantity
   */
  Values values(
      PtNDManager manager, PtNDArray h, PtNDArray targets, Set<Quantity> quantities, boolean keep);

  /**
   * Gradient of {@code sum(g * log-probability of targets)}, or {@code sum(g * scores)}, and of
   * {@code sum(g * entropy)} where there is a second g.
   *
   * @param h [n, hidden]
   * @param g each as many as there are values
   * @return of {@code h}; then, where asked for, of the weight
   */
  List<PtNDArray> gradients(
      PtNDManager manager,
      PtNDArray h,
      PtNDArray targets,
      Values forward,
      List<PtNDArray> g,
      boolean ofWeight);

  /** Returns what the head's product gives for {@code h} [n, hidden]: [n, vocab or labels]. */
  PtNDArray logits(PtNDManager manager, PtNDArray h);

  static void requireOnly(Collection<Quantity> given, Set<Quantity> asked) {
    for (Quantity quantity : asked) {
      if (!given.contains(quantity)) {
        throw new IllegalArgumentException(
            quantity + " is not what this model's head gives: " + given);
      }
    }
  }
}
