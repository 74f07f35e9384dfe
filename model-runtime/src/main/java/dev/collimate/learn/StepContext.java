package dev.collimate.learn;

import dev.collimate.objective.StepTotals;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * What every micro-batch of a step needs to know about the step.
 *
 * @param step 1 for the first; 0 outside training
 * @param totals denominators of the loss
 * @param shared numbers of the objective's plan that every row reads
 */
public record StepContext(long step, StepTotals totals, double[] shared) {

  public void write(DataOutput out) throws IOException {
    out.writeLong(step);
    totals.write(out);
    out.writeInt(shared.length);
    for (double number : shared) {
      out.writeDouble(number);
    }
  }

  public static StepContext read(DataInput in) throws IOException {
    long step = in.readLong();
    StepTotals totals = StepTotals.read(in);
    double[] shared = new double[in.readInt()];
    for (int i = 0; i < shared.length; i++) {
      shared[i] = in.readDouble();
    }
    return new StepContext(step, totals, shared);
  }
}
