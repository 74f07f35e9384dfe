package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class NumericsTest {

  @Test
  void theFingerprintOfOneJvmIsTheSameEveryTime() {
    Engine.start(1, ComputeDevice.cpu());
    Numerics first = Numerics.take();
    assertThat(Numerics.take()).isEqualTo(first);
    assertThat(Numerics.take().hash()).isEqualTo(first.hash());
    assertThat(first.facts())
        .containsEntry("threads", "1")
        .containsEntry("device", "cpu")
        .containsKeys("libtorch", "jni", "cpu", "aten_capability", "probe_float32");
    assertThat(first.facts().get("probe_float32"))
        .isNotEqualTo(first.facts().get("probe_bfloat16"));
  }

  @Test
  void aFreshJvmHasTheSameFingerprint() throws Exception {
    Engine.start(1, ComputeDevice.cpu());
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                PrintFingerprint.class.getName())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String printed =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertThat(process.waitFor()).isZero();
    assertThat(printed).isEqualTo(Numerics.take().hash());
  }

  /** What the fresh JVM runs. */
  static final class PrintFingerprint {
    private PrintFingerprint() {}

    public static void main(String[] arguments) {
      Engine.start(1, ComputeDevice.cpu());
      System.out.println(Numerics.take().hash());
    }
  }

  @Test
  void differencesNameTheFactAndBothValues() {
    Numerics one = new Numerics(new TreeMap<>(Map.of("cpu", "A", "threads", "1")));
    Numerics other = new Numerics(new TreeMap<>(Map.of("cpu", "B", "threads", "1")));
    assertThat(one.differences(other)).containsExactly("cpu: 'A' here, 'B' there");
    assertThat(one.differences(one)).isEmpty();
    assertThat(one.hash()).isNotEqualTo(other.hash());
  }

  @Test
  void onlyACpuPromisesEqualBits() {
    assertThat(Numerics.isExact(Map.of("device", "cpu"))).isTrue();
    assertThat(Numerics.isExact(Map.of("device", "gpu NVIDIA H100 80GB HBM3"))).isFalse();
  }

  @Test
  void onlyVariablesOfTheArithmeticLibrariesCount() {
    assertThat(
            Numerics.environment(
                Map.of("OMP_NUM_THREADS", "2", "HOME", "/root", "MKL_CBWR", "COMPATIBLE"),
                Numerics.PREFIXES))
        .isEqualTo("MKL_CBWR=COMPATIBLE OMP_NUM_THREADS=2");
  }
}
