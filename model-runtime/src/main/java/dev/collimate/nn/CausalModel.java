package dev.collimate.nn;

import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.text.Sequence;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A causal model as the objectives see it: per-token quantities of sequences or their scores, and
 * the gradient of any weighted sum of them. One thread at a time.
 */
public interface CausalModel extends AutoCloseable {

  /** Layout name of the value head's weight [1, hidden], which follows the model's parameters. */
  String VALUE_HEAD = "value_head.weight";

  /** Whether the adapter's low-rank terms take part. */
  enum Adapter {
    ON,
    OFF
  }

  /** Whether a pass can be differentiated. */
  enum Mode {
    TRAIN,
    EVALUATE
  }

  /** The trained parameters: all weights, or the adapter's. */
  ParameterLayout layout();

  /**
   * Copies the trained parameters into the model.
   *
   * @param parameters may be longer where the parameters of another model stand behind these
   */
  void load(FlatVector parameters);

  /** Copies the trained parameters out of the model. */
  void store(FlatVector into);

  /**
   * Runs the sequences as one batch.
   *
   * @param sequences right-padded inside to the longest of them
   * @param quantities what to compute; LOG_PROB is always there, VALUE can be asked for where there
   *     is a value head, and of a sequence classifier SCORE alone
   */
  Pass forward(List<Sequence> sequences, Set<Quantity> quantities, Mode mode, Adapter adapter);

  /**
   * The same of rows' sequences, one row after the other. A model may compute what the sequences of
   * a row begin with once: mathematically equal, with other rounding.
   */
  default Pass forwardRows(
      List<List<Sequence>> rows, Set<Quantity> quantities, Mode mode, Adapter adapter) {
    return forward(rows.stream().flatMap(List::stream).toList(), quantities, mode, adapter);
  }

  /**
   * Sets the objective's own parameters, for those quantities that are networks' on the model's
   * hidden states; a model without such quantities has no use for them.
   */
  default void loadOwn(double[] parameters) {}

  @Override
  void close();

  /** The result of a forward pass; holds native memory until closed. */
  interface Pass extends AutoCloseable {

    /**
     * Values of the counted tokens, or the scores.
     *
     * @return [sequence][counted token], of SCORE [sequence][label], in the order given to {@code
     *     forward}
     */
    float[][] values(Quantity quantity);

    /**
     * Writes the gradient of {@code sum of gradients * LOG_PROB}, of a sequence classifier {@code
     * sum of gradients * SCORE}, with respect to the trained parameters. Once, and only in mode
     * TRAIN.
     *
     * @param gradients in the shape of the values
     * @param into overwritten, in the order of {@link CausalModel#layout()}; it may be longer, and
     *     nothing that stands behind the model's parameters is kept
     */
    void backward(float[][] gradients, FlatVector into);

    /**
     * Writes the gradient of {@code sum of gradients * values} over several quantities.
     *
     * @param gradients in the shape of the values, of differentiable quantities that were asked
     *     for; LOG_PROB, or SCORE alone, among them
     * @param into as above
     * @return derivatives by the parameters of {@link #loadOwn}, as far as the quantities depend on
     *     them; empty where none does
     */
    float[] backward(Map<Quantity, float[][]> gradients, FlatVector into);

    @Override
    void close();
  }
}
