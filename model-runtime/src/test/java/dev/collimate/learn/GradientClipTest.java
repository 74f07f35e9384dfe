package dev.collimate.learn;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import org.junit.jupiter.api.Test;

class GradientClipTest {

  @Test
  void aNormThatIsNoNumberSaysWhatToDo() {
    assertThatThrownBy(() -> GradientClip.requireFinite(3, 0.5, Double.POSITIVE_INFINITY))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "step 3: the loss is 0.5 and the gradient norm Infinity; lower train.learning_rate or raise"
                + " train.warmup_ratio; with the first step, look at the model's weights");
  }
}
