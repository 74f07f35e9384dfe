package dev.collimate.checkpoint;

import dev.collimate.CollimateException;
import java.util.Arrays;
import java.util.Locale;

/** The type that weights are written in. */
public enum SaveDtype {
  /** Each tensor in the type that the base model stores it in. */
  BASE,
  FLOAT32,
  BFLOAT16,
  FLOAT16;

  /**
   * The value of {@code save_dtype}.
   *
   * @throws CollimateException of kind USAGE for any other word
   */
  public static SaveDtype of(String name) {
    return Arrays.stream(values())
        .filter(dtype -> dtype.name().toLowerCase(Locale.ROOT).equals(name))
        .findAny()
        .orElseThrow(
            () ->
                CollimateException.usage(
                    "'%s' is not a dtype of weights; base, float32, bfloat16 and float16 are accepted"
                        .formatted(name)));
  }

  /** The stored type of a tensor whose base has the type given. */
  public Dtype of(Dtype base) {
    return switch (this) {
      case BASE -> base;
      case FLOAT32 -> Dtype.F32;
      case BFLOAT16 -> Dtype.BF16;
      case FLOAT16 -> Dtype.F16;
    };
  }
}
