package dev.collimate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CategoriesTest {

  private static final boolean TRAINED = true;
  private static final boolean HELD_OUT = false;

  @Test
  void aNamesNumberIsItsPlaceAmongAllNamesInAnyOrderOfRows() {
    Categories one = new Categories();
    one.add("group", "b", TRAINED);
    one.add("group", "c", HELD_OUT);
    Categories other = new Categories();
    other.add("group", "a", TRAINED);
    other.add("group", "b", TRAINED);

    one.merge(other);

    assertThat(one.numbers()).isEqualTo(Map.of("group", Map.of("a", 0, "b", 1, "c", 2)));
    assertThat(one.sizes()).isEqualTo(Map.of("group", Map.of("a", 1L, "b", 2L, "c", 0L)));
  }

  @Test
  void aColumnOfNamesThatAreNoGroupsIsRefused() {
    Categories categories = new Categories();
    for (int row = 0; row < Categories.MOST + 5; row++) {
      categories.add("group", "%06d".formatted(row), TRAINED);
    }

    assertThatThrownBy(categories::requireFew)
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "data: column 'group' has more than 10000 different names, such as '000000' and '010000'; it is to name groups of rows");
  }
}
