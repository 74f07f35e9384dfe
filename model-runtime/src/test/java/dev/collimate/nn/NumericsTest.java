package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;

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
  void differencesNameTheFactAndBothValues() {
    Numerics one = new Numerics(new TreeMap<>(Map.of("cpu", "A", "threads", "1")));
    Numerics other = new Numerics(new TreeMap<>(Map.of("cpu", "B", "threads", "1")));
    assertThat(one.differences(other)).containsExactly("cpu: 'A' here, 'B' there");
    assertThat(one.differences(one)).isEmpty();
    assertThat(one.hash()).isNotEqualTo(other.hash());
  }

  @Test
  void onlyVariablesOfTheArithmeticLibrariesCount() {
    assertThat(
            Numerics.environment(
                Map.of("OMP_NUM_THREADS", "2", "HOME", "/root", "MKL_CBWR", "COMPATIBLE")))
        .isEqualTo("MKL_CBWR=COMPATIBLE OMP_NUM_THREADS=2");
  }
}
