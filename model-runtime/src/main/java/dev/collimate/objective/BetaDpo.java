package dev.collimate.objective;

import dev.collimate.random.CounterRandom;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * DPO with a beta per global batch, which follows the mean margin of the pairs that are kept,
 * beside its running mean. Kept is a part drawn without replacement, each pair with the weight
 * {@code exp(-((M - mean) / deviation)^2 / 2)}, so outliers go. All statistics are constants.
 *
 * <p>The running moments are corrected for their start at 0. The loss is divided by the weights of
 * the kept rows: each of those is scaled by {@code sum of weights / sum of kept weights}. An
 * evaluation keeps all held-out rows, with beta0: its loss is DPO's and can be compared over steps.
 */
final class BetaDpo implements Objective {

  private static final double LEAST_BETA = 1e-3;

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "beta_dpo",
              "-logsigmoid(beta * M) over kept pairs, beta = max(0.001, beta0 * (1 + alpha * (mean of"
                  + " kept M - running mean of M)))",
              "Wu et al. 2024, beta-DPO: Direct Preference Optimization with Dynamic beta,"
                  + " arXiv:2407.08639",
              List.of(
                  ObjectiveOption.number(
                      "beta0",
                      0.1,
                      "> 0",
                      "Beta of a batch with an average margin, and of rewards."),
                  ObjectiveOption.number(
                      "alpha", 0.6, ">= 0", "How much beta follows the batch's margin; 0: not."),
                  ObjectiveOption.number(
                      "filter_ratio", 0.2, ">= 0 and < 1", "Part of each batch that is left out."),
                  ObjectiveOption.number(
                      "momentum", 0.9, ">= 0 and < 1", "Of the running mean and deviation.")),
              BetaDpo::new)
          .withNormalisation("mean over the kept rows")
          .withLimits(
              "alpha: 0 with filter_ratio: 0 is dpo", "an evaluation is dpo with beta: beta0");

  private static final Declaration DECLARATION =
      Pairs.againstReference(SPEC.name()).withGather().withState(0.0, 0.0, 0.0);

  private final double beta0;
  private final double alpha;
  private final double filterRatio;
  private final double momentum;

  private BetaDpo(Options options) {
    beta0 = options.number("beta0");
    alpha = options.number("alpha");
    filterRatio = options.number("filter_ratio");
    momentum = options.number("momentum");
  }

  /**
   * The objective's state.
   *
   * @param mean exponential moving sum of margins' means, from 0
   * @param deviation the same of their deviations
   * @param weight the same of 1: what both are divided by
   */
  private record Moments(double mean, double deviation, double weight) {

    static Moments of(double[] state) {
      return new Moments(state[0], state[1], state[2]);
    }

    Moments after(double[] margins, double momentum) {
      double batchMean = average(margins);
      double squares = 0;
      for (double margin : margins) {
        squares += (margin - batchMean) * (margin - batchMean);
      }
      double batchDeviation = StrictMath.sqrt(squares / (margins.length - 1));
      double share = 1 - momentum;
      return new Moments(
          momentum * mean + share * batchMean,
          momentum * deviation + share * batchDeviation,
          momentum * weight + share);
    }

    /** {@code log exp(-((M - mean) / deviation)^2 / 2)}; no row is an outlier without deviation. */
    double logWeight(double margin) {
      if (deviation == 0) {
        return 0;
      }
      double distance = (margin - mean / weight) / (deviation / weight);
      return -0.5 * distance * distance;
    }

    double[] state() {
      return new double[] {mean, deviation, weight};
    }
  }

  @Override
  public Declaration declaration() {
    return DECLARATION;
  }

  @Override
  public double[] gather(RowInputs inputs) {
    return new double[] {Pairs.margin(inputs).value()};
  }

  /** Shared: beta. Of each row: what its loss is times, 0 where it is left out. */
  @Override
  public StepPlan plan(GlobalBatch batch) {
    double[] margins = Arrays.stream(batch.gathered()).mapToDouble(row -> row[0]).toArray();
    if (batch.isEvaluation()) {
      return plan(batch, IntStream.range(0, margins.length).toArray(), beta0, batch.state());
    }
    Moments before = Moments.of(batch.state());
    // One row has no deviation: it is kept, and the running moments stay.
    Moments moments = margins.length < 2 ? before : before.after(margins, momentum);
    int[] kept = kept(batch, margins, moments);
    double mean = average(Arrays.stream(kept).mapToDouble(row -> margins[row]).toArray());
    double lead = moments.weight() == 0 ? 0 : mean - moments.mean() / moments.weight();
    double beta = Math.max(LEAST_BETA, beta0 * (1 + alpha * lead));
    return plan(batch, kept, beta, moments.state());
  }

  private static StepPlan plan(GlobalBatch batch, int[] kept, double beta, double[] state) {
    double ofKept = 0;
    for (int row : kept) {
      ofKept += batch.rows().get(row).weight();
    }
    double[][] scales = new double[batch.rows().size()][1];
    for (int row : kept) {
      scales[row][0] = batch.weight() / ofKept;
    }
    return new StepPlan(state, new double[] {beta}, scales);
  }

  /**
   * A weighted draw without replacement, each row by its own random number: the largest of {@code
   * log(u) / weight} (Efraimidis and Spirakis 2006), here in logarithms.
   *
   * @return the rows in the order of the batch
   */
  private int[] kept(GlobalBatch batch, double[] margins, Moments moments) {
    int count = margins.length;
    int most = count < 2 ? count : Math.max(1, (int) Math.floor(count * (1 - filterRatio)));
    double[] ranks = new double[count];
    for (int row = 0; row < count; row++) {
      double uniform =
          1
              - CounterRandom.of(batch.seed(), "beta_dpo " + batch.rows().get(row).key())
                  .uniform(batch.step());
      ranks[row] = moments.logWeight(margins[row]) - StrictMath.log(-StrictMath.log(uniform));
    }
    return IntStream.range(0, count)
        .boxed()
        .sorted(
            Comparator.<Integer>comparingDouble(row -> -ranks[row])
                .thenComparing(row -> batch.rows().get(row).key()))
        .limit(most)
        .sorted()
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private static double average(double[] numbers) {
    double sum = 0;
    for (double number : numbers) {
      sum += number;
    }
    return sum / numbers.length;
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    double beta = inputs.shared(0);
    double scale = inputs.given(0);
    RowLoss metrics =
        Pairs.metrics(inputs, beta0).report("beta", beta).report("kept", scale == 0 ? 0 : 1);
    if (scale == 0) {
      return metrics;
    }
    Scalar loss = Pairs.margin(inputs).times(beta).logSigmoid().negated();
    return RowLoss.perRow(loss.times(scale)).plus(metrics);
  }
}
