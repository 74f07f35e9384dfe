package dev.collimate.checkpoint;

import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout.Parameter;
import dev.collimate.random.CounterRandom;

/** The values that a fresh adapter starts from. */
public final class AdapterInit {

  private AdapterInit() {}

  /**
   * PEFT's start: A uniform in {@code ±1 / sqrt(inputs)} (Kaiming with a = sqrt 5), B zero, so the
   * adapted model is the base. Each entry depends on the seed, the tensor's name and its index.
   *
   * @return in the order of the layout's parameters
   */
  public static FlatVector values(AdapterLayout layout, long seed) {
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
