package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ScalarTest {

  private static final double STEP = 1e-6;

  static Stream<Arguments> functions() {
    return Stream.of(
        named("plus", x -> x.plus(x).plus(3)),
        named("minus", x -> Scalar.constant(2).minus(x).minus(1)),
        named("times", x -> x.times(x).times(0.5)),
        named("dividedBy", x -> x.plus(7).dividedBy(x.squared().plus(1)).dividedBy(3)),
        named("exp", Scalar::exp),
        named("log", x -> x.squared().plus(0.5).log()),
        named("sigmoid", Scalar::sigmoid),
        named("logSigmoid", Scalar::logSigmoid),
        named("softplus", Scalar::softplus),
        named("relu", x -> x.plus(0.1).relu()),
        named("clamp", x -> x.clamp(-1, 1)),
        named("shared", x -> x.exp().times(x.sigmoid()).plus(x.exp().logSigmoid())));
  }

  private static Arguments named(String name, Function<Scalar, Scalar> function) {
    return Arguments.of(Named.of(name, function));
  }

  @ParameterizedTest
  @MethodSource("functions")
  void derivativesAreThoseOfFiniteDifferences(Function<Scalar, Scalar> function) {
    double at = new Random(4).nextGaussian();
    double[] gradient = new double[1];
    function.apply(Scalar.variable(at, adjoint -> gradient[0] += adjoint)).differentiate();

    double up = function.apply(Scalar.constant(at + STEP)).value();
    double down = function.apply(Scalar.constant(at - STEP)).value();

    assertThat(gradient[0]).isCloseTo((up - down) / (2 * STEP), within(1e-7));
  }

  @Test
  void largeMarginsStayFinite() {
    assertThat(Scalar.constant(-1e4).logSigmoid().value()).isEqualTo(-1e4);
    assertThat(Scalar.constant(1e4).logSigmoid().value()).isZero();
    assertThat(Scalar.constant(1e4).softplus().value()).isEqualTo(1e4);
    assertThat(Scalar.constant(-1e4).sigmoid().value()).isZero();
  }

  @Test
  void aReductionOverTokensReachesEveryToken() {
    TokenLogProbs tokens = new TokenLogProbs(new double[] {-1, -2, -4});
    Scalar value = tokens.weightedSum(new double[] {1, 1, 2}).plus(tokens.mean()).times(3);

    value.differentiate();

    assertThat(value.value()).isCloseTo(3 * (-11 - 7.0 / 3), within(1e-12));
    assertThat(tokens.gradients()).containsExactly(new double[] {4, 4, 7}, within(1e-12));
  }

  @Test
  void aGraphIsDifferentiatedOnce() {
    Scalar shared = new TokenLogProbs(new double[] {2}).sum();
    Scalar constant = Scalar.constant(3);
    shared.times(constant).differentiate();

    assertThatThrownBy(() -> shared.squared().differentiate())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a graph is differentiated once");
    TokenLogProbs others = new TokenLogProbs(new double[] {2});
    others.sum().times(constant).differentiate();
    assertThat(others.gradients()).containsExactly(3);
  }

  @Test
  void aStoppedGradientIsAConstant() {
    TokenLogProbs tokens = new TokenLogProbs(new double[] {2});
    tokens.sum().stopGradient().times(tokens.sum()).differentiate();

    assertThat(tokens.gradients()).containsExactly(2);
  }
}
