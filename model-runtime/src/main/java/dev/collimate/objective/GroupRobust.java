package dev.collimate.objective;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * DPO or IPO with a loss per group of rows and an adversary that weighs the groups: {@code sum over
 * g of q_g * L_g}, {@code L_g = N * sum(l of the batch's rows of g) / (B * N_g)} with the training
 * set's sizes N and N_g. Before each step {@code q_g <- q_g * exp(eta * L_g)}, normalised; q is the
 * objective's state. With eta = 0 and groups of one size the loss is the average.
 *
 * <p>An evaluation leaves q as it is and takes each group's mean over the held-out rows.
 */
final class GroupRobust implements Objective {

  private static final String GROUP = "group";
  private static final String GROUP_LOSS = "group_loss/";
  private static final String GROUP_ACCURACY = "group_accuracy/";

  private static final String SOURCE =
      "Ramesh et al. 2024, Group Robust Preference Optimization in Reward-free RLHF,"
          + " arXiv:2405.20304";

  static final ObjectiveSpec GR_DPO =
      new ObjectiveSpec(
              "gr_dpo",
              "sum over the column group of q_g * N / (B * N_g) * sum(-logsigmoid(beta * M)),"
                  + " q_g raised by exp(eta * L_g)",
              SOURCE,
              options(),
              options ->
                  new GroupRobust(
                      "gr_dpo", options, new TrainingSet(0, TrainingSet.Model.UNKNOWN, noNames())))
          .withNormalisation("mean over rows, each times q_g * N / N_g")
          .withLimits("eta: 0 with groups of one size in the training set is dpo");

  static final ObjectiveSpec GR_IPO =
      new ObjectiveSpec(
              "gr_ipo",
              "sum over the column group of q_g * N / (B * N_g) * sum((M - 1 / (2 * beta))^2),"
                  + " q_g raised by exp(eta * L_g)",
              SOURCE,
              options(),
              options ->
                  new GroupRobust(
                      "gr_ipo", options, new TrainingSet(0, TrainingSet.Model.UNKNOWN, noNames())))
          .withNormalisation("mean over rows, each times q_g * N / N_g")
          .withLimits(
              "eta: 0 with groups of one size in the training set is the mean of (M - 1 / (2 * beta))^2");

  private static List<ObjectiveOption> options() {
    return List.of(
        Pairs.beta(0.01),
        ObjectiveOption.number(
            "eta",
            0.01,
            ">= 0",
            "Step of the groups' weights. The released values belong to sums over a batch: here they"
                + " are times train.global_batch_size."),
        ObjectiveOption.choice(
            "group_weights",
            List.of("adaptive", "importance"),
            List.of("adaptive", "importance"),
            "`adaptive`, or `importance`: fixed, in proportion to 1 / N_g."),
        ObjectiveOption.flag(
            "divide_by_totalcount",
            true,
            "Divide a group's losses by its part of the training set; false: by its rows in the"
                + " batch."),
        ObjectiveOption.number(
            "size_adjustment",
            0.0,
            ">= 0",
            "C of C / sqrt(N_g), added to L_g where the weights are raised."));
  }

  private static SortedMap<String, SortedMap<String, Long>> noNames() {
    return new TreeMap<>(Map.of(GROUP, new TreeMap<>()));
  }

  private final String name;
  private final Options options;
  private final double beta;
  private final double eta;
  private final TrainingSet rows;
  private final List<String> names;
  private final List<Long> sizes;

  private GroupRobust(String name, Options options, TrainingSet rows) {
    this.name = name;
    this.options = options;
    this.beta = options.number("beta");
    this.eta = options.number("eta");
    this.rows = rows;
    this.names = rows.names(GROUP);
    this.sizes = rows.sizes(GROUP);
  }

  @Override
  public Objective over(TrainingSet set) {
    return new GroupRobust(name, options, set);
  }

  /** The state is q, by group; a group that has held-out rows alone has none of it. */
  @Override
  public Declaration declaration() {
    return Pairs.againstReference(name)
        .withCategories(GROUP)
        .withGather()
        .withState(initialWeights().toArray(Double[]::new));
  }

  private List<Double> initialWeights() {
    boolean isEqual = options.text("group_weights").equals("adaptive");
    List<Double> weights = new ArrayList<>();
    double total = 0;
    for (long size : sizes) {
      double weight = size == 0 ? 0 : isEqual ? 1 : 1.0 / size;
      weights.add(weight);
      total += weight;
    }
    double sum = total;
    weights.replaceAll(weight -> weight / sum);
    return weights;
  }

  private Scalar loss(RowInputs inputs) {
    Scalar margin = Pairs.margin(inputs);
    return name.equals(GR_IPO.name())
        ? margin.minus(1 / (2 * beta)).squared()
        : margin.times(beta).logSigmoid().negated();
  }

  /** The row's loss and the number of its group. */
  @Override
  public double[] gather(RowInputs inputs) {
    return new double[] {loss(inputs).value(), inputs.scalar(GROUP)};
  }

  /** Of each row: what its loss is times, so that the mean over the batch is the robust loss. */
  @Override
  public StepPlan plan(GlobalBatch batch) {
    double[] weights = batch.state();
    boolean byTotal = options.flag("divide_by_totalcount") && !batch.isEvaluation();
    double[] scales = scales(batch, byTotal);
    if (options.text("group_weights").equals("adaptive") && !batch.isEvaluation()) {
      weights = raised(weights, groupLosses(batch, scales));
    }
    double[][] perRow = new double[batch.rows().size()][1];
    for (int row = 0; row < perRow.length; row++) {
      int group = group(batch, row);
      perRow[row][0] = weights[group] * scales[group];
    }
    return new StepPlan(weights, new double[0], perRow);
  }

  private static int group(GlobalBatch batch, int row) {
    return (int) batch.gathered()[row][1];
  }

  /** By group: what turns its share of the batch's mean into {@code L_g}. */
  private double[] scales(GlobalBatch batch, boolean byTotal) {
    double[] scales = new double[names.size()];
    if (byTotal) {
      for (int group = 0; group < scales.length; group++) {
        // A group without training rows has no row here either.
        scales[group] = sizes.get(group) == 0 ? 0 : (double) rows.rows() / sizes.get(group);
      }
      return scales;
    }
    double all = 0;
    for (int row = 0; row < batch.rows().size(); row++) {
      scales[group(batch, row)] += batch.rows().get(row).weight();
      all += batch.rows().get(row).weight();
    }
    for (int group = 0; group < scales.length; group++) {
      scales[group] = scales[group] == 0 ? 0 : all / scales[group];
    }
    return scales;
  }

  /** {@code L_g} of every group; 0 for those without a row in the batch. */
  private double[] groupLosses(GlobalBatch batch, double[] scales) {
    double[] losses = new double[names.size()];
    double all = 0;
    for (int row = 0; row < batch.rows().size(); row++) {
      double weight = batch.rows().get(row).weight();
      losses[group(batch, row)] += weight * batch.gathered()[row][0];
      all += weight;
    }
    for (int group = 0; group < losses.length; group++) {
      losses[group] *= scales[group] / all;
    }
    return losses;
  }

  /** {@code q_g * exp(eta * L_g)}, normalised; in logarithms, since losses of IPO are large. */
  private double[] raised(double[] weights, double[] losses) {
    double[] logs = new double[weights.length];
    double most = Double.NEGATIVE_INFINITY;
    for (int group = 0; group < logs.length; group++) {
      double adjustment =
          sizes.get(group) == 0
              ? 0
              : options.number("size_adjustment") / StrictMath.sqrt(sizes.get(group));
      logs[group] = StrictMath.log(weights[group]) + eta * (losses[group] + adjustment);
      most = Math.max(most, logs[group]);
    }
    double[] raised = new double[logs.length];
    double sum = 0;
    for (int group = 0; group < logs.length; group++) {
      raised[group] = StrictMath.exp(logs[group] - most);
      sum += raised[group];
    }
    for (int group = 0; group < logs.length; group++) {
      raised[group] /= sum;
    }
    return raised;
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar loss = loss(inputs);
    String group = names.get((int) inputs.scalar(GROUP));
    return RowLoss.perRow(loss.times(inputs.given(0)))
        .plus(Pairs.metrics(inputs, beta))
        .report(GROUP_LOSS + group, loss.value())
        .report(GROUP_ACCURACY + group, Pairs.margin(inputs).value() > 0 ? 1 : 0);
  }

  @Override
  public Map<String, Double> summary(Map<String, Double> means) {
    List<Double> losses = valuesOf(means, GROUP_LOSS);
    List<Double> accuracies = valuesOf(means, GROUP_ACCURACY);
    if (losses.isEmpty()) {
      return Map.of();
    }
    Map<String, Double> summary = new LinkedHashMap<>();
    summary.put("worst_group_loss", Collections.max(losses));
    summary.put("worst_group_accuracy", Collections.min(accuracies));
    summary.put("group_loss_gap", Collections.max(losses) - Collections.min(losses));
    return summary;
  }

  private static List<Double> valuesOf(Map<String, Double> means, String prefix) {
    return means.entrySet().stream()
        .filter(mean -> mean.getKey().startsWith(prefix))
        .map(Map.Entry::getValue)
        .toList();
  }
}
