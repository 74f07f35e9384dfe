package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class BatchContextTest {

  private final List<Integer> masksMade = new ArrayList<>();

  @Test
  void aWindowsMaskIsMadeOnceAndOnlyForLayers() {
    try (PtNDManager manager = newManager()) {
      BatchContext context = context(manager);
      context.ofEmbedding();
      assertThat(masksMade).isEmpty();
      context.ofLayer(4);
      context.ofLastLayer(4);
      context.ofLayer(4);
      context.ofLayer(0);
      assertThat(masksMade).containsExactly(4, 0);
    }
  }

  /** So a forward pass that fails half-way leaves nothing behind. */
  @Test
  void dictionariesGoWithTheManagerOfTheBatch() {
    List<IValue> dictionaries;
    try (PtNDManager manager = newManager()) {
      BatchContext context = context(manager);
      dictionaries =
          Stream.of(context.ofEmbedding(), context.ofLayer(4), context.ofLastLayer(4)).toList();
      assertThat(dictionaries).noneMatch(IValue::isReleased);
    }
    assertThat(dictionaries).allMatch(IValue::isReleased);
  }

  private BatchContext context(PtNDManager manager) {
    PtNDArray numbers = (PtNDArray) manager.create(new float[] {1, 2, 3});
    return new BatchContext(
        manager,
        Map.of("cos", numbers, "sin", numbers),
        window -> {
          masksMade.add(window);
          return Map.of("mask", numbers);
        },
        numbers);
  }

  private static PtNDManager newManager() {
    return Engine.start(1, ComputeDevice.cpu()).newManager();
  }
}
