package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GpuCardTest {

  private static final String LINES =
      """
      0, GPU-aaaa-1, NVIDIA H200, 143771
      1, GPU-bbbb-2, NVIDIA H200, 143771
      """;
  private static final GpuCard FIRST = new GpuCard(0, "GPU-aaaa-1", "NVIDIA H200", 143_771);
  private static final GpuCard SECOND = new GpuCard(1, "GPU-bbbb-2", "NVIDIA H200", 143_771);
  private static final List<GpuCard> BOTH = List.of(FIRST, SECOND);

  @Test
  void aLineOfTheDriversToolIsACard() {
    assertThat(GpuCard.parse(LINES)).containsExactly(FIRST, SECOND);
  }

  @Test
  void whatIsNoCardIsPassedOver() {
    assertThat(GpuCard.parse("No devices were found\n")).isEmpty();
    assertThat(GpuCard.parse("0, GPU-aaaa-1, NVIDIA GB10, [N/A]\n"))
        .containsExactly(new GpuCard(0, "GPU-aaaa-1", "NVIDIA GB10", 0));
  }

  @Test
  void anIndexCountsWhatTheProcessMaySee() {
    assertThat(GpuCard.ofIndex(1, BOTH, Map.of())).contains(SECOND);
    assertThat(GpuCard.ofIndex(0, BOTH, Map.of("CUDA_VISIBLE_DEVICES", "1"))).contains(SECOND);
    assertThat(GpuCard.ofIndex(1, BOTH, Map.of("CUDA_VISIBLE_DEVICES", "GPU-bbbb, GPU-aaaa")))
        .contains(FIRST);
    assertThat(GpuCard.ofIndex(1, BOTH, Map.of("CUDA_VISIBLE_DEVICES", "0"))).isEmpty();
  }
}
