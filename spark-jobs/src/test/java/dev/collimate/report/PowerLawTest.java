package dev.collimate.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import dev.collimate.report.PowerLaw.Point;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PowerLawTest {

  @Test
  void aPlantedExponentIsRecoveredThroughNoise() {
    Random random = new Random(1);
    List<Point> points =
        IntStream.rangeClosed(1, 20)
            .mapToObj(
                i ->
                    new Point(
                        1000 * i,
                        3 * Math.pow(1000 * i, -0.2) * Math.exp(0.005 * random.nextGaussian())))
            .toList();
    PowerLaw law = PowerLaw.fit(points);
    assertThat(law.gamma()).isCloseTo(0.2, within(0.01));
    assertThat(law.c()).isCloseTo(3, within(0.3));
    assertThat(law.r2()).isGreaterThan(0.99);
  }

  /** Half the loss at four times the rows. */
  @Test
  void twoPointsAreOnTheLine() {
    PowerLaw law = PowerLaw.fit(List.of(new Point(100, 1), new Point(400, 0.5)));
    assertThat(law.gamma()).isCloseTo(0.5, within(1e-12));
    assertThat(law.c()).isCloseTo(10, within(1e-9));
    assertThat(law.r2()).isCloseTo(1, within(1e-12));
  }

  @Test
  void oneNumberOfRowsIsNotEnough() {
    assertThatThrownBy(() -> PowerLaw.fit(List.of(new Point(100, 1), new Point(100, 0.5))))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "A power law needs evaluations after two different numbers of rows, there are 2 evaluations; set train.eval_steps or give more runs");
  }
}
