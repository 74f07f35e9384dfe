package dev.collimate.objective;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleConsumer;

/**
 * A number that remembers how it was made, so that a loss is written as its formula and its
 * derivatives follow exactly. Everything is double and {@link StrictMath}: the same bits on every
 * machine. A graph is differentiated once.
 */
public final class Scalar {

  private static final Scalar[] NO_PARENTS = {};
  private static final double[] NO_PARTIALS = {};
  private static final double MAX_EXPONENT = 80;

  private final double value;
  private final Scalar[] parents;
  private final double[] partials;
  private final DoubleConsumer leaf;
  private double adjoint;
  private boolean visited;
  private boolean isSpent;

  private Scalar(double value, Scalar[] parents, double[] partials, DoubleConsumer leaf) {
    this.value = value;
    this.parents = parents;
    this.partials = partials;
    this.leaf = leaf;
  }

  /** A number without derivative. */
  public static Scalar constant(double value) {
    return new Scalar(value, NO_PARENTS, NO_PARTIALS, null);
  }

  /** A number whose derivative is handed to {@code leaf} by {@link #differentiate}. */
  static Scalar variable(double value, DoubleConsumer leaf) {
    return new Scalar(value, NO_PARENTS, NO_PARTIALS, leaf);
  }

  /** A differentiable function given by its value and its derivative at this number. */
  public Scalar map(double result, double derivative) {
    return new Scalar(result, new Scalar[] {this}, new double[] {derivative}, null);
  }

  private Scalar combine(Scalar other, double result, double dThis, double dOther) {
    return new Scalar(result, new Scalar[] {this, other}, new double[] {dThis, dOther}, null);
  }

  /** The sum of all; zero where there are none. */
  public static Scalar sum(List<Scalar> terms) {
    double total = 0;
    double[] ones = new double[terms.size()];
    for (int i = 0; i < ones.length; i++) {
      total += terms.get(i).value;
      ones[i] = 1;
    }
    return new Scalar(total, terms.toArray(Scalar[]::new), ones, null);
  }

  public double value() {
    return value;
  }

  public Scalar plus(Scalar other) {
    return combine(other, value + other.value, 1, 1);
  }

  public Scalar plus(double number) {
    return map(value + number, 1);
  }

  public Scalar minus(Scalar other) {
    return combine(other, value - other.value, 1, -1);
  }

  public Scalar minus(double number) {
    return map(value - number, 1);
  }

  public Scalar times(Scalar other) {
    return combine(other, value * other.value, other.value, value);
  }

  public Scalar times(double number) {
    return map(value * number, number);
  }

  public Scalar dividedBy(Scalar other) {
    double quotient = value / other.value;
    return combine(other, quotient, 1 / other.value, -quotient / other.value);
  }

  public Scalar dividedBy(double number) {
    return map(value / number, 1 / number);
  }

  public Scalar negated() {
    return map(-value, -1);
  }

  public Scalar squared() {
    return map(value * value, 2 * value);
  }

  /**
   * {@code e^x}; held above {@code x = 80}, where it has no derivative, so that it stays finite.
   */
  public Scalar heldExp() {
    return clamp(Double.NEGATIVE_INFINITY, MAX_EXPONENT).exp();
  }

  public Scalar exp() {
    double result = StrictMath.exp(value);
    return map(result, result);
  }

  public Scalar log() {
    return map(StrictMath.log(value), 1 / value);
  }

  /** {@code 1 / (1 + e^-x)}. */
  public Scalar sigmoid() {
    double result = sigmoid(value);
    return map(result, result * sigmoid(-value));
  }

  /** {@code log(sigmoid(x))}, finite for every finite x. */
  public Scalar logSigmoid() {
    return map(logSigmoid(value), sigmoid(-value));
  }

  /** {@code log(1 + e^x)}, finite for every finite x. */
  public Scalar softplus() {
    return map(-logSigmoid(-value), sigmoid(value));
  }

  /** {@code max(0, x)}, derivative 0 at 0. */
  public Scalar relu() {
    return map(Math.max(0, value), value > 0 ? 1 : 0);
  }

  /** The value within the bounds; the derivative outside them is 0. */
  public Scalar clamp(double min, double max) {
    boolean inside = value >= min && value <= max;
    return map(Math.min(Math.max(value, min), max), inside ? 1 : 0);
  }

  /** The smaller of both, this one where they are equal. */
  public Scalar min(Scalar other) {
    return value <= other.value ? this : other;
  }

  /** The greater of both, this one where they are equal. */
  public Scalar max(Scalar other) {
    return value >= other.value ? this : other;
  }

  /** The same number without its derivative. */
  public Scalar stopGradient() {
    return constant(value);
  }

  /**
   * Hands every variable under this number the derivative of this number with respect to it.
   *
   * @throws IllegalStateException where this number, or one under it that is no constant, took part
   *     before: its adjoint is used up
   */
  void differentiate() {
    List<Scalar> childrenLast = new ArrayList<>();
    order(childrenLast);
    adjoint = 1;
    for (int i = childrenLast.size() - 1; i >= 0; i--) {
      childrenLast.get(i).push();
    }
  }

  private void order(List<Scalar> childrenLast) {
    if (isSpent) {
      throw new IllegalStateException("a graph is differentiated once");
    }
    if (visited) {
      return;
    }
    visited = true;
    for (Scalar parent : parents) {
      parent.order(childrenLast);
    }
    childrenLast.add(this);
  }

  private void push() {
    isSpent = leaf != null || parents.length > 0;
    if (leaf != null) {
      leaf.accept(adjoint);
    }
    for (int i = 0; i < parents.length; i++) {
      parents[i].adjoint += adjoint * partials[i];
    }
  }

  static double sigmoid(double x) {
    double small = StrictMath.exp(-Math.abs(x));
    return x >= 0 ? 1 / (1 + small) : small / (1 + small);
  }

  static double logSigmoid(double x) {
    return Math.min(x, 0) - StrictMath.log1p(StrictMath.exp(-Math.abs(x)));
  }
}
