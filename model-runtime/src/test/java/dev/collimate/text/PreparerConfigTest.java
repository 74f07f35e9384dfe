package dev.collimate.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.text.PreparerConfig.BoundaryMerge;
import dev.collimate.text.PreparerConfig.TruncationMode;
import java.time.LocalDateTime;
import org.junit.jupiter.api.Test;

class PreparerConfigTest {

  private static PreparerConfig config(
      RowShape shape, int maxLength, int maxPromptLength, boolean assistantOnlyLoss) {
    return new PreparerConfig(
        shape,
        maxLength,
        TruncationMode.KEEP_END,
        maxPromptLength,
        BoundaryMerge.DROP,
        false,
        assistantOnlyLoss,
        100,
        LocalDateTime.MIN);
  }

  @Test
  void defaultsAreTrls() {
    PreparerConfig defaults =
        PreparerConfig.defaults(RowShape.PREFERENCE, LocalDateTime.parse("2025-01-15T12:00:00"));
    assertThat(defaults.maxLength()).isEqualTo(1024);
    assertThat(defaults.truncationMode()).isEqualTo(TruncationMode.KEEP_START);
    assertThat(defaults.maxPromptLength()).isEqualTo(PreparerConfig.UNLIMITED);
    assertThat(defaults.boundaryMerge()).isEqualTo(BoundaryMerge.KEEP);
    assertThat(defaults.completionOnlyLoss()).isTrue();
    assertThat(defaults.assistantOnlyLoss()).isFalse();
  }

  @Test
  void valuesThatCannotWorkAreRefused() {
    assertThatThrownBy(() -> config(RowShape.PREFERENCE, 1, 1, false))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("data.max_length: must be >= 2 or null, got 1");
    assertThatThrownBy(() -> config(RowShape.PREFERENCE, 10, 0, false))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("data.max_prompt_length: must be >= 1 or null, got 0");
    assertThatThrownBy(() -> config(RowShape.PREFERENCE, 10, 10, false))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("must be below data.max_length (10), got 10");
    assertThatThrownBy(() -> config(RowShape.PREFERENCE, 10, 5, true))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("objective.assistant_only_loss: belongs to the objective sft");
  }
}
