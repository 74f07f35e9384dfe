package dev.collimate.learn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.objective.RowFacts;
import dev.collimate.objective.RowLoss.Metric;
import dev.collimate.objective.StepTotals;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class WireFormTest {

  @Test
  void aStepContextComesBackAsItWas() throws IOException {
    List<RowFacts> rows =
        List.of(
            new RowFacts("a", 0.5, Map.of("completion", 3), 1),
            new RowFacts("b", 2, Map.of("completion", 4), 0));
    StepContext context = new StepContext(9, StepTotals.of(rows), new double[] {0.1, -7});
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    context.write(new DataOutputStream(bytes));

    StepContext read =
        StepContext.read(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));

    assertThat(read.step()).isEqualTo(9);
    assertThat(read.totals()).isEqualTo(context.totals());
    assertThat(read.totals().tokens()).containsEntry("completion", 9.5);
    assertThat(read.shared()).containsExactly(0.1, -7);
  }

  @Test
  void aLeafResultComesBackAsItWas() throws IOException {
    MetricSums metrics = new MetricSums();
    metrics.add("rewards/margins", 3.25, 2);
    metrics.count("num_tokens", 17);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    new LeafResult(0.6931, metrics).write(new DataOutputStream(bytes));

    LeafResult read =
        LeafResult.read(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));

    assertThat(read.loss()).isEqualTo(0.6931);
    assertThat(read.metrics().values())
        .containsExactly(Map.entry("rewards/margins", 1.625), Map.entry("num_tokens", 17.0));
  }

  @Test
  void countsAddUpAndMeansAverage() {
    MetricSums first = new MetricSums();
    first.add("accuracy", 1, 1);
    first.count("tokens", 5);
    MetricSums second = new MetricSums();
    second.add("accuracy", 0, 3);
    second.count("tokens", 6);

    first.add(second);

    assertThat(first.value("accuracy")).isEqualTo(0.25);
    assertThat(first.value("tokens")).isEqualTo(11);
    assertThat(first.value("absent")).isNaN();
  }

  @Test
  void extremesAreThoseOfAllRowsAndCrossTheWire() throws IOException {
    MetricSums first = new MetricSums();
    first.add("min_reward", 0.5, Metric.LEAST);
    first.add("max_reward", 0.5, Metric.GREATEST);
    MetricSums second = new MetricSums();
    second.add("min_reward", -1.5, Metric.LEAST);
    second.add("max_reward", 0.25, Metric.GREATEST);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    second.write(new DataOutputStream(bytes));

    first.add(MetricSums.read(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray()))));

    assertThat(first.values())
        .containsExactly(Map.entry("min_reward", -1.5), Map.entry("max_reward", 0.5));
  }
}
