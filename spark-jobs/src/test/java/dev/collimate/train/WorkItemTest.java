package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.learn.StepContext;
import dev.collimate.objective.RowFacts;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.objective.StepTotals;
import dev.collimate.storage.PublishedFile;
import dev.collimate.train.WorkItem.RowAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class WorkItemTest {

  private static final StepContext CONTEXT =
      new StepContext(
          3,
          StepTotals.of(List.of(new RowFacts("k", 1, Map.of("chosen", 2, "rejected", 1), 1))),
          new double[] {0.5, -1});

  private static final List<RowAddress> ROWS =
      List.of(
          new RowAddress(0, Reference.NONE, new double[0]),
          new RowAddress(
              7,
              new Reference(Map.of("chosen", -3.5, "rejected", -0.1), Map.of()),
              new double[] {2}),
          new RowAddress(
              1 << 30,
              new Reference(
                  Map.of("chosen", -3.5, "rejected", 0.0),
                  Map.of("chosen", new float[] {-1.25f, -2.25f}, "rejected", new float[0])),
              new double[] {-1, 1}));

  static List<WorkItem> items() {
    return List.of(
        new WorkItem.Gradient(CONTEXT, ROWS),
        new WorkItem.Gather(CONTEXT, ROWS),
        new WorkItem.Evaluate(CONTEXT, ROWS),
        new WorkItem.Sample(ROWS, /* maxNewTokens= */ 9),
        new WorkItem.Local(
            1,
            2,
            4,
            Optional.of(new PublishedFile("moments", 8, "00ff")),
            2,
            List.of(new WorkItem.LocalStep(1e-3, CONTEXT, List.of(ROWS, List.of())))));
  }

  @ParameterizedTest
  @MethodSource("items")
  void whatTravelsIsWhatArrives(WorkItem item) {
    assertThat(WorkItem.of(item.toBytes())).usingRecursiveComparison().isEqualTo(item);
  }
}
