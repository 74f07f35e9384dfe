package dev.collimate.objective;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What an objective says about one row. Terms are not divided by anything: each names what its sum
 * over the step is divided by, and the trainer weighs and divides it.
 *
 * @param terms the row's terms of the loss
 * @param metrics numbers to report, averaged over what their weights sum to
 */
public record RowLoss(List<Term> terms, List<Metric> metrics) {

  /** The denominator of a term: what stands under the sum over the step's rows. */
  public sealed interface Over {

    /** {@code sum w*l / sum w} over the rows. */
    record Rows() implements Over {}

    /** {@code sum w*l / sum w*tokens} over the rows, with the counted tokens of a role. */
    record Tokens(String role) implements Over {}

    /** {@code sum w*l / sum w} over the rows of one label. */
    record Label(double label) implements Over {}

    /**
     * The denominator in a step; zero where nothing counts.
     *
     * @throws IllegalStateException where the step's rows have no such role or label: its term
     *     would be lost without a word
     */
    default double denominator(StepTotals totals) {
      if (this instanceof Tokens tokens) {
        return counted(totals.tokens(), tokens.role(), "role");
      }
      if (this instanceof Label label) {
        return counted(totals.classes(), label.label(), "label");
      }
      return totals.weight();
    }

    private static <K> double counted(Map<K, Double> totals, K key, String what) {
      Double total = totals.get(key);
      if (total == null) {
        throw new IllegalStateException(
            "a term of the loss is over the %s '%s', the step has %s"
                .formatted(what, key, totals.keySet()));
      }
      return total;
    }
  }

  /** A summand of the loss. */
  public record Term(Scalar loss, Over over) {}

  /**
   * A number to report.
   *
   * @param name TRL's name
   * @param sum the row's share of the numerator
   * @param weight the row's share of the denominator: 1 for means over rows, the number of tokens
   *     for means over tokens; {@link #LEAST} or {@link #GREATEST} where no mean is reported
   */
  public record Metric(String name, double sum, double weight) {

    /** The weight of a number of which the least is reported. */
    public static final double LEAST = Double.NEGATIVE_INFINITY;

    /** The weight of a number of which the greatest is reported. */
    public static final double GREATEST = Double.POSITIVE_INFINITY;
  }

  public RowLoss {
    terms = List.copyOf(terms);
    metrics = List.copyOf(metrics);
  }

  /** A loss averaged over rows. */
  public static RowLoss perRow(Scalar loss) {
    return new RowLoss(List.of(new Term(loss, new Over.Rows())), List.of());
  }

  /** A sum over a role's counted tokens, averaged over all of the step's. */
  public static RowLoss perToken(String role, Scalar sum) {
    return new RowLoss(List.of(new Term(sum, new Over.Tokens(role))), List.of());
  }

  /** A loss averaged over the rows of its label. */
  public static RowLoss perLabel(double label, Scalar loss) {
    return new RowLoss(List.of(new Term(loss, new Over.Label(label))), List.of());
  }

  /** The sum of both losses, with the metrics of both. */
  public RowLoss plus(RowLoss other) {
    List<Term> allTerms = new ArrayList<>(terms);
    allTerms.addAll(other.terms);
    List<Metric> allMetrics = new ArrayList<>(metrics);
    allMetrics.addAll(other.metrics);
    return new RowLoss(allTerms, allMetrics);
  }

  /** Reports a number averaged over rows. */
  public RowLoss report(String name, double value) {
    return report(name, value, 1);
  }

  /** Reports a share of a mean over {@code weight} things. */
  public RowLoss report(String name, double sum, double weight) {
    List<Metric> all = new ArrayList<>(metrics);
    all.add(new Metric(name, sum, weight));
    return new RowLoss(terms, all);
  }

  /** Reports a number of which the least over all rows is wanted. */
  public RowLoss reportLeast(String name, double value) {
    return report(name, value, Metric.LEAST);
  }

  /** Reports a number of which the greatest over all rows is wanted. */
  public RowLoss reportGreatest(String name, double value) {
    return report(name, value, Metric.GREATEST);
  }

  /**
   * Divides the terms by the step's denominators, adds the row's weighted share to the step's loss
   * and derives it.
   *
   * @return the row's share of the step's loss; the derivatives are in the row's inputs
   */
  public double differentiate(double weight, StepTotals totals) {
    Scalar share = share(weight, totals);
    share.differentiate();
    return share.value();
  }

  /** The row's share of the step's loss. */
  public double value(double weight, StepTotals totals) {
    return share(weight, totals).value();
  }

  private Scalar share(double weight, StepTotals totals) {
    List<Scalar> shares = new ArrayList<>(terms.size());
    for (Term term : terms) {
      double denominator = term.over().denominator(totals);
      if (weight != 0 && denominator != 0) {
        shares.add(term.loss().times(weight / denominator));
      }
    }
    return Scalar.sum(shares);
  }
}
