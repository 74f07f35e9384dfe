package dev.collimate.report;

import dev.collimate.CollimateException;
import java.util.List;
import org.apache.commons.math3.stat.regression.SimpleRegression;

/**
 * {@code loss(n) = c * n^(-gamma)}, by least squares of the logarithms, as scaling studies of
 * preference models fit it (WorldPM, arXiv:2505.10527).
 *
 * @param gamma how fast the loss falls with the pairs
 * @param c the loss after one pair, were the law to hold there
 * @param r2 part of the variance of the loss's logarithm that the law explains
 */
public record PowerLaw(double gamma, double c, double r2) {

  /**
   * A measurement.
   *
   * @param pairs rows trained on before it, above 0
   * @param loss above 0
   */
  public record Point(double pairs, double loss) {}

  /**
   * Fits.
   *
   * @throws CollimateException (data) where the points do not have two numbers of pairs, or one is
   *     not above 0
   */
  public static PowerLaw fit(List<Point> points) {
    SimpleRegression line = new SimpleRegression();
    for (Point point : points) {
      if (!(point.pairs() > 0 && point.loss() > 0)) {
        throw CollimateException.data(
            "A power law needs numbers above 0, there is a loss of %s after %s rows"
                .formatted(point.loss(), point.pairs()));
      }
      line.addData(StrictMath.log(point.pairs()), StrictMath.log(point.loss()));
    }
    if (points.stream().mapToDouble(Point::pairs).distinct().count() < 2) {
      throw CollimateException.data(
          "A power law needs evaluations after two different numbers of rows, there are %d evaluations; set train.eval_steps or give more runs"
              .formatted(points.size()));
    }
    return new PowerLaw(-line.getSlope(), StrictMath.exp(line.getIntercept()), line.getRSquare());
  }
}
