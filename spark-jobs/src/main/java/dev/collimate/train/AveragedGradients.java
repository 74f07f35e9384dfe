package dev.collimate.train;

import dev.collimate.aggregate.Aggregator;
import dev.collimate.parameters.FlatVector;
import java.util.List;

/** One step at a time: gives a global batch out, takes the gradient, clips, updates. */
final class AveragedGradients implements StepMethod {

  private final BatchPlan plan;
  private final StepWork work;
  private final SplitRows rows;
  private final Aggregator aggregator;
  private final Reference reference;
  private final GradientSteps gradients;

  AveragedGradients(
      BatchPlan plan,
      StepWork work,
      SplitRows rows,
      Aggregator aggregator,
      Reference reference,
      GradientSteps gradients) {
    this.plan = plan;
    this.work = work;
    this.rows = rows;
    this.aggregator = aggregator;
    this.reference = reference;
    this.gradients = gradients;
  }

  @Override
  public Advance advance(long number, FlatVector masters, double[] objectiveState) {
    long start = System.nanoTime();
    reference.before(number);
    BatchPlan.Step batch = plan.step(number);
    StepWork.Prepared prepared =
        work.prepare(
            number,
            batch.microBatches(),
            objectiveState,
            payloads -> aggregator.map(number - 1, masters, payloads));
    GradientSteps.Taken taken = gradients.take(number, masters, prepared.gradients());
    Done done =
        new Done(
            batch,
            taken.report(batch.rows().length, rows.computedTokens(batch), start),
            taken.metrics());
    return new Advance(List.of(done), prepared.stateAfter(), List.of());
  }
}
