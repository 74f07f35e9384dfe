package dev.collimate.learn;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * What a micro-batch says beside its gradient.
 *
 * @param loss its share of the step's loss, already divided by the step's denominators: the shares
 *     of a step add up to the step's loss
 * @param metrics sums over its rows
 */
public record LeafResult(double loss, MetricSums metrics) {

  public void write(DataOutput out) throws IOException {
    out.writeDouble(loss);
    metrics.write(out);
  }

  public static LeafResult read(DataInput in) throws IOException {
    return new LeafResult(in.readDouble(), MetricSums.read(in));
  }
}
