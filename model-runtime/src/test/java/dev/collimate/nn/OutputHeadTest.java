package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import dev.collimate.random.CounterRandom;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class OutputHeadTest {

  private static final int TOKENS = 23;
  private static final int HIDDEN = 8;
  private static final int VOCAB = 19;

  @Test
  void chunksChangeValuesAndGradientsByRoundingOnly() {
    List<float[]> whole = run(TOKENS);
    List<float[]> chunks = run(5);
    for (int i = 0; i < whole.size(); i++) {
      assertThat(chunks.get(i)).hasSameSizeAs(whole.get(i));
      for (int j = 0; j < whole.get(i).length; j++) {
        assertThat(chunks.get(i)[j]).isCloseTo(whole.get(i)[j], within(1e-5f));
      }
    }
  }

  /** Values of every quantity, then the gradients of the hidden states and of the weight. */
  private static List<float[]> run(int chunkRows) {
    Engine engine = Engine.start(1, ComputeDevice.cpu());
    try (PtNDManager manager = engine.newManager()) {
      PtNDArray weight = numbers(manager, "weight", VOCAB, HIDDEN);
      PtNDArray h = numbers(manager, "h", TOKENS, HIDDEN);
      long[] ids = new long[TOKENS];
      for (int i = 0; i < TOKENS; i++) {
        ids[i] = i % VOCAB;
      }
      PtNDArray targets = (PtNDArray) manager.create(ids);
      OutputHead head = new OutputHead(engine.kernels(), weight, Precision.FLOAT32, chunkRows);
      Set<Quantity> quantities = EnumSet.copyOf(OutputHead.QUANTITIES);
      Head.Values values = head.values(manager, h, targets, quantities, true);
      assertThat(values.kept()).hasSize(chunkRows == TOKENS ? 1 : 0);
      List<float[]> results = new ArrayList<>(values.values().values());
      List<PtNDArray> g =
          List.of(numbers(manager, "g", TOKENS), numbers(manager, "of entropy", TOKENS));
      head.gradients(manager, h, targets, values, g, true)
          .forEach(gradient -> results.add(gradient.toFloatArray()));
      return results;
    }
  }

  private static PtNDArray numbers(PtNDManager manager, String name, long... shape) {
    Shape size = new Shape(shape);
    float[] values = new float[(int) size.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (CounterRandom.of(1, name).uniform(i) - 0.5);
    }
    return (PtNDArray) manager.create(values, size);
  }
}
