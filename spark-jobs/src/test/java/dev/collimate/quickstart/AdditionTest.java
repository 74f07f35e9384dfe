package dev.collimate.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.quickstart.AdditionData.Demonstration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AdditionTest {

  @Test
  void theFaultIsTheForgottenCarry() {
    Addition addition = new Addition(47, 38);

    assertThat(addition.prompt()).isEqualTo("47+38=");
    assertThat(addition.worked()).isEqualTo("7+8=15;4+3+1=8;85");
    assertThat(addition.faulty()).isEqualTo("7+8=15;4+3+0=7;75");
    assertThat(addition.isSolvedBy(addition.worked())).isTrue();
    assertThat(addition.isSolvedBy(addition.faulty())).isFalse();
    assertThat(addition.isSolvedBy("85")).isTrue();
    assertThat(addition.isSolvedBy("7+8=15;4+3+1=8;85;")).isFalse();
  }

  @Test
  void withoutACarryThereIsNoFault() {
    Addition addition = new Addition(92, 17);

    assertThat(addition.worked()).isEqualTo("2+7=9;9+1+0=10;109");
    assertThat(addition.faulty()).isEqualTo(addition.worked());
  }

  @Test
  void numbersOfOtherLengthsAreRefused() {
    assertThatThrownBy(() -> new Addition(9, 10))
        .hasMessage("both numbers have two digits, got 9 and 10");
  }

  @Test
  void theDataIsDrawnWithoutOverlap() {
    AdditionData data = AdditionData.draw(1);
    Set<Addition> seen = new HashSet<>(data.heldOut());
    data.preferences().forEach(problem -> assertThat(seen.add(problem)).isTrue());
    data.demonstrations().forEach(shown -> assertThat(seen.add(shown.problem())).isTrue());

    assertThat(data.heldOut().stream().filter(Addition::carries)).hasSizeGreaterThan(500);
    assertThat(data.preferences()).hasSizeGreaterThan(1000).allMatch(Addition::carries);
    assertThat(AdditionData.draw(1)).isEqualTo(data);
    assertThat(AdditionData.draw(2)).isNotEqualTo(data);
  }

  @Test
  void mostCarriesAreForgotten() {
    List<Demonstration> carrying =
        AdditionData.draw(3).demonstrations().stream()
            .filter(shown -> shown.problem().carries())
            .toList();
    long forgotten =
        carrying.stream().filter(shown -> shown.answer().equals(shown.problem().faulty())).count();

    assertThat((double) forgotten / carrying.size()).isBetween(0.66, 0.74);
  }
}
