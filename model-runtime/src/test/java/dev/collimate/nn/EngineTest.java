package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import dev.collimate.CollimateException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
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

  @Test
  void aLibtorchWithoutCudaRefusesAGpuInOneSentence() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                StartOnGpu.class.getName())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    assertThat(printed.lines()).hasSize(1);
    assertThat(printed)
        .startsWith("libtorch 2.7.1 cannot compute on gpu:0 (")
        .contains("PYTORCH_LIBRARY_PATH, PYTORCH_VERSION, PYTORCH_FLAVOR");
  }

  /** What the fresh JVM runs. */
  static final class StartOnGpu {
    private StartOnGpu() {}

    public static void main(String[] arguments) {
      try {
        Engine.start(1, ComputeDevice.gpu(0));
      } catch (CollimateException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  @Test
  void aRefusedEngineIsRefusedAgain() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                StartTwiceAfterOthers.class.getName())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    String refusal =
        "libtorch was loaded by other code in this JVM with 2 and 1 threads, 1 and 1 are needed";
    assertThat(printed.lines()).containsExactly(refusal, refusal);
  }

  /** What the fresh JVM runs. */
  static final class StartTwiceAfterOthers {
    private StartTwiceAfterOthers() {}

    public static void main(String[] arguments) {
      System.setProperty("ai.djl.pytorch.num_threads", "2");
      System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
      NDManager.newBaseManager(Device.cpu(), "PyTorch").close();
      for (int attempt = 1; attempt <= 2; attempt++) {
        try {
          System.out.println(Engine.start(1, ComputeDevice.cpu()).libtorchVersion());
        } catch (IllegalStateException e) {
          System.out.println(e.getMessage());
        }
      }
    }
  }
}
