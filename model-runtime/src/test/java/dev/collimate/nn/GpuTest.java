package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A GPU gives the CPU's numbers but for rounding. Needs a GPU and a PyTorch with CUDA in
 * PYTORCH_LIBRARY_PATH, PYTORCH_VERSION and PYTORCH_FLAVOR, which computes on both.
 */
@Tag("gpu")
class GpuTest {

  /** Of the largest absolute value of an array; TF32 is off, as libtorch has it. */
  private static final double TOLERANCE = 1e-4;

  /**
   * A bfloat16 has 8 bits, and the two devices round sums in other orders; the gradient behind a
   * step of AdamW, where the differences of two gradients meet, differs most (H200: 3.6e-2).
   */
  private static final double BFLOAT16_TOLERANCE = 5e-2;

  private static Map<String, float[]> cpu;
  private static Map<String, float[]> gpu;

  @BeforeAll
  static void compute(@TempDir Path folder) throws Exception {
    cpu = numbers("cpu", folder.resolve("cpu"));
    gpu = numbers(System.getProperty("collimate.test.device", "gpu"), folder.resolve("gpu"));
  }

  @Test
  void everyQuantityGradientAndStepIsTheCpus() {
    assertThat(gpu.keySet()).containsExactlyElementsOf(cpu.keySet());
    cpu.forEach(
        (name, expected) -> {
          if (!isSampled(name)) {
            assertClose(name, gpu.get(name), expected);
          }
        });
  }

  @Test
  void float32GenerationDrawsTheCpusTokens() {
    cpu.forEach(
        (name, expected) -> {
          if (isSampled(name) && !isBfloat16(name)) {
            if (name.endsWith("tokens")) {
              assertThat(gpu.get(name)).as(name).containsExactly(expected);
            } else {
              assertClose(name, gpu.get(name), expected);
            }
          }
        });
  }

  private static boolean isSampled(String name) {
    return name.contains("temperature");
  }

  private static boolean isBfloat16(String name) {
    return name.contains(Precision.BFLOAT16.name());
  }

  private static void assertClose(String name, float[] actual, float[] expected) {
    double largest = 1e-3;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    assertThat(actual).as(name).hasSameSizeAs(expected);
    double tolerance = largest * (isBfloat16(name) ? BFLOAT16_TOLERANCE : TOLERANCE);
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) actual[i])
          .as("%s, entry %d", name, i)
          .isCloseTo(expected[i], within(tolerance));
    }
  }

  private static Map<String, float[]> numbers(String device, Path file)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                DeviceNumbers.class.getName(),
                device,
                file.toString())
            .redirectErrorStream(true)
            .start();
    String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(printed).isZero();
    System.out.println(device + ": " + printed.strip());
    return DeviceNumbers.parse(Files.readString(file));
  }
}
