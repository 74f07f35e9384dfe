package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class EngineTest {

  @Test
  void aSecondStartWithTheSameSettingsIsTheSameEngine() {
    Engine engine = Engine.start(1, ComputeDevice.cpu());
    assertThat(Engine.start(1, ComputeDevice.cpu())).isSameAs(engine);
    assertThat(Engine.current()).isSameAs(engine);
    assertThat(engine.libtorchVersion()).startsWith("2.");
    assertThat(engine.jniVersion()).startsWith(engine.libtorchVersion());
  }

  @Test
  void aSecondStartWithOtherSettingsIsAnError() {
    Engine.start(1, ComputeDevice.cpu());
    assertThatThrownBy(() -> Engine.start(2, ComputeDevice.cpu()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "The engine of this JVM runs with 1 threads on cpu, it cannot be started again with 2 on cpu");
  }
}
