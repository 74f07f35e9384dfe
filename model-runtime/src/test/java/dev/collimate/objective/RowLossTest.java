package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class RowLossTest {

  /** Four rows; eight tokens of chosen, none of gold; three rows labelled 1, none 0. */
  private static final StepTotals TOTALS =
      new StepTotals(
          4, 4, new TreeMap<>(Map.of("chosen", 8.0, "gold", 0.0)), new TreeMap<>(Map.of(1.0, 3.0)));

  private static final Scalar SIX = Scalar.constant(6);

  @Test
  void aTermIsDividedByWhatItIsOver() {
    assertThat(RowLoss.perRow(SIX).value(1, TOTALS)).isEqualTo(1.5);
    assertThat(RowLoss.perToken("chosen", SIX).value(1, TOTALS)).isEqualTo(0.75);
    assertThat(RowLoss.perLabel(1, SIX).value(1, TOTALS)).isEqualTo(2);
  }

  @Test
  void aTermOverNoTokensIsLeftOut() {
    assertThat(RowLoss.perToken("gold", SIX).value(1, TOTALS)).isZero();
  }

  @Test
  void aTermOverWhatTheStepDoesNotKnowIsRefused() {
    assertThatThrownBy(() -> RowLoss.perToken("choosen", SIX).value(1, TOTALS))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a term of the loss is over the role 'choosen', the step has [chosen, gold]");
    assertThatThrownBy(() -> RowLoss.perLabel(0, SIX).value(1, TOTALS))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a term of the loss is over the label '0.0', the step has [1.0]");
  }
}
