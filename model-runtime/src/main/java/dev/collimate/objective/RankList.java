package dev.collimate.objective;

import dev.collimate.CollimateException;
import dev.collimate.text.FurtherSequence;
import dev.collimate.text.NumberColumn;
import dev.collimate.text.RowShape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Trains a reward model on ordered lists of answers (RankList): Bradley-Terry between every answer
 * and those at most {@code K} places below it, {@code mean of softplus(r_j - r_i)}; K may grow with
 * the steps, from neighbours to the whole list. With {@code lse} an answer's comparisons share one
 * log-sum-exp, {@code mean over i of log(1 + sum_j e^(r_j - r_i))}, which over the whole list is
 * Plackett and Luce's likelihood (ListMLE).
 *
 * <p>The order is that of the column {@code grades}, greater before smaller; without it, that of
 * the list. Answers of equal grade are not compared.
 */
final class RankList implements Objective {

  private static final String GRADES = "grades";

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "ranklist",
              "mean over i, j in order with place(j) - place(i) <= K of -logsigmoid(r_i - r_j)",
              "Naini et al. 2025, RankList, A Listwise Preference Learning Framework for Predicting"
                  + " Subjective Preferences, arXiv:2508.09826 (experimental: its formulas are derived"
                  + " from the abstract)",
              List.of(
                  ObjectiveOption.number(
                      "list_size",
                      4.0,
                      ">= 2 and <= 64",
                      "Answers of a row: the length of its lists responses and grades. Without"
                          + " grades a list begins with the best."),
                  ObjectiveOption.number(
                      "max_skip",
                      0.0,
                      ">= 0",
                      "Most places between two answers that are compared, K; 0: list_size - 1, all"
                          + " of them."),
                  ObjectiveOption.number(
                      "skip_steps",
                      0.0,
                      ">= 0",
                      "Steps in which K grows evenly from 1 to max_skip; 0: it is max_skip from the"
                          + " first."),
                  ObjectiveOption.flag(
                      "lse",
                      false,
                      "One log-sum-exp for each answer instead of a term for each comparison."),
                  ObjectiveOption.number(
                      "min_label_gap",
                      0.0,
                      ">= 0",
                      "Least difference of the grades of answers that are compared; without grades"
                          + " of their places.")),
              RankList::new)
          .withNormalisation(
              "mean over rows of the mean over a row's comparisons; lse: over its answers that are compared with lower ones")
          .withLimits(
              "list_size: 2 is reward, with and without lse",
              "lse: true, times list_size - 1, is ListMLE where all grades differ",
              "max_skip: 1 is RankNet between neighbours");

  private final Declaration declaration;
  private final int size;
  private final int maxSkip;
  private final double skipSteps;
  private final boolean isLogSumExp;
  private final double minLabelGap;
  private final NumberColumn grades;

  RankList(Options options) {
    size = whole(options, "list_size");
    int skip = whole(options, "max_skip");
    if (skip > size - 1) {
      throw CollimateException.usage(
          "objective.max_skip: must be at most %d, a list of %d has no answers further apart, got %d"
              .formatted(size - 1, size, skip));
    }
    maxSkip = skip == 0 ? size - 1 : skip;
    skipSteps = whole(options, "skip_steps");
    isLogSumExp = options.flag("lse");
    minLabelGap = options.number("min_label_gap");
    grades = NumberColumn.optional(GRADES).ofLength(size);
    declaration =
        Declaration.ofScores(SPEC.name(), 1)
            .withShape(RowShape.RANKED)
            .withSequences(
                IntStream.range(0, size)
                    .mapToObj(i -> new FurtherSequence(role(i), "{prompt}", role(i)))
                    .toArray(FurtherSequence[]::new))
            .withNumbers(grades);
  }

  private static int whole(Options options, String name) {
    double given = options.number(name);
    if (given != Math.rint(given)) {
      throw CollimateException.usage(
          "objective.%s: must be a whole number, got %s".formatted(name, given));
    }
    return (int) given;
  }

  /** Of an item of the list; the column of the same name holds it. */
  static String role(int item) {
    return "response_" + (item + 1);
  }

  @Override
  public Declaration declaration() {
    return declaration;
  }

  /** Shared: K. An evaluation compares as far as the end of training does. */
  @Override
  public StepPlan plan(GlobalBatch batch) {
    double skip = maxSkip;
    if (!batch.isEvaluation() && batch.step() <= skipSteps) {
      skip = Math.min(maxSkip, 1 + Math.floor((batch.step() - 1) * maxSkip / skipSteps));
    }
    return new StepPlan(batch.state(), new double[] {skip}, new double[0][]);
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    double[] labels = new double[size];
    Scalar[] rewards = new Scalar[size];
    for (int i = 0; i < size; i++) {
      labels[i] = inputs.hasScalar(grades.scalar(0)) ? inputs.scalar(grades.scalar(i)) : -i;
      rewards[i] = inputs.score(role(i), 0);
    }
    int[] order = order(labels);
    List<Scalar> terms = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      List<Scalar> gains = new ArrayList<>();
      for (int j = i + 1; j < size && j - i <= inputs.shared(0); j++) {
        double gap = labels[order[i]] - labels[order[j]];
        if (gap > 0 && gap >= minLabelGap) {
          gains.add(rewards[order[j]].minus(rewards[order[i]]));
        }
      }
      if (isLogSumExp && !gains.isEmpty()) {
        terms.add(logOnePlusSumExp(gains));
      } else {
        gains.forEach(gain -> terms.add(gain.softplus()));
      }
    }
    Scalar loss = terms.isEmpty() ? Scalar.constant(0) : Scalar.sum(terms).dividedBy(terms.size());
    return metrics(RowLoss.perRow(loss), labels, rewards);
  }

  /** From the greatest label to the smallest; equal ones as they stand in the list. */
  private static int[] order(double[] labels) {
    return IntStream.range(0, labels.length)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer i) -> labels[i]).reversed())
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /** {@code log(1 + sum e^x)}, finite for all finite x; of one x its softplus. */
  private static Scalar logOnePlusSumExp(List<Scalar> exponents) {
    if (exponents.size() == 1) {
      return exponents.get(0).softplus();
    }
    double most = exponents.stream().mapToDouble(Scalar::value).reduce(0, Math::max);
    return Scalar.sum(exponents.stream().map(x -> x.minus(most).exp()).toList())
        .plus(StrictMath.exp(-most))
        .log()
        .plus(most);
  }

  /**
   * How far the order of the rewards is that of the labels: {@code accuracy} over all pairs of
   * unequal label, and Kendall's tau-b, of the lists that have one.
   */
  private RowLoss metrics(RowLoss row, double[] labels, Scalar[] rewards) {
    double concordant = 0;
    double discordant = 0;
    double unequalRewards = 0;
    double unequalLabels = 0;
    for (int i = 0; i < size; i++) {
      for (int j = i + 1; j < size; j++) {
        double byLabel = Math.signum(labels[i] - labels[j]);
        double byReward = Math.signum(rewards[i].value() - rewards[j].value());
        concordant += byLabel * byReward > 0 ? 1 : 0;
        discordant += byLabel * byReward < 0 ? 1 : 0;
        unequalLabels += Math.abs(byLabel);
        unequalRewards += Math.abs(byReward);
      }
    }
    RowLoss reported =
        row.report("mean_reward", Arrays.stream(rewards).mapToDouble(Scalar::value).sum(), size);
    if (unequalLabels > 0) {
      reported = reported.report("accuracy", concordant, unequalLabels);
    }
    return unequalLabels > 0 && unequalRewards > 0
        ? reported.report(
            "kendall_tau",
            (concordant - discordant) / StrictMath.sqrt(unequalLabels * unequalRewards))
        : reported;
  }
}
