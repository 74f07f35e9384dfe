package dev.collimate.checkpoint;

import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout.Parameter;
import dev.collimate.random.CounterRandom;
import java.nio.FloatBuffer;

/** The values that a fresh adapter starts from. */
public final class AdapterInit {

  private AdapterInit() {}

  /**
   * PEFT's start: A uniform in {@code ±1 / sqrt(inputs)} (Kaiming with a = sqrt 5), B zero, a head
   * that is trained whole as the model has it, so the adapted model is the base. Each entry of A
   * depends on the seed, the tensor's name and its index.
   *
   * @param model what the layout is of
   * @return in the order of the layout's parameters
   */
  public static FlatVector values(AdapterLayout layout, ModelFolder model, long seed) {
    FlatVector values = factors(layout, seed);
    if (layout.savedHead().isPresent()) {
      DecoderLayout.Linear head = layout.savedHead().get();
      FloatBuffer weight = FloatBuffer.allocate(Math.multiplyExact(head.inputs(), head.outputs()));
      model.readFloat32(head.weight(), 0, weight);
      values.put(values.size() - weight.capacity(), weight.flip());
    }
    return values;
  }

  /** The factors alone; a head stays zero. */
  static FlatVector factors(AdapterLayout layout, long seed) {
    FlatVector values = new FlatVector(layout.parameters().size());
    long offset = 0;
    for (AdapterLayout.Target target : layout.targets()) {
      Parameter a = target.a();
      CounterRandom random = CounterRandom.of(seed, a.name());
      double bound = 1 / Math.sqrt(target.linear().inputs());
      for (long i = 0; i < a.size(); i++) {
        values.set(offset + i, (float) (bound * (2 * random.uniform(i) - 1)));
      }
      offset += a.size() + target.b().size();
    }
    return values;
  }
}
