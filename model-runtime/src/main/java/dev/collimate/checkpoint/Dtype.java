package dev.collimate.checkpoint;

import dev.collimate.parameters.HalfFloats;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Optional;
import java.util.stream.Stream;

/** Element types of safetensors files. Weights are read from and written as the first three. */
public enum Dtype {
  F32(4),
  F16(2),
  BF16(2),
  F64(8),
  I64(8),
  I32(4),
  I16(2),
  I8(1),
  U64(8),
  U32(4),
  U16(2),
  U8(1),
  BOOL(1),
  F8_E5M2(1),
  F8_E4M3(1),
  F8_E8M0(1),
  C64(8);

  private final int bytes;

  Dtype(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes per element. */
  public int bytes() {
    return bytes;
  }

  /** Whether tensors of this type can be weights: float32, float16 and bfloat16. */
  public boolean isWeight() {
    return this == F32 || this == F16 || this == BF16;
  }

  /** The type of a safetensors header's name, empty where it is none of the format's. */
  public static Optional<Dtype> named(String name) {
    return Stream.of(values()).filter(dtype -> dtype.name().equals(name)).findAny();
  }

  /** PyTorch's name of a weight type, as {@code torch_dtype} in config.json gives it. */
  public String torchName() {
    return switch (this) {
      case F32 -> "float32";
      case F16 -> "float16";
      case BF16 -> "bfloat16";
      default -> throw new IllegalArgumentException(this + " is not a type of weights");
    };
  }

  /** Whether a value rounds to a finite one; infinities and NaNs count as held. */
  boolean holds(float value) {
    return switch (this) {
      case F16 -> Math.abs(value) < 65_520f || Float.isInfinite(value) || Float.isNaN(value);
      case BF16 -> Math.abs(value) < 0x1.ffp127f || Float.isInfinite(value) || Float.isNaN(value);
      default -> true;
    };
  }

  /**
   * Reads as many little-endian elements as {@code into} has room for and widens them to float32,
   * exactly; signed zeros, subnormals, infinities and NaN payloads included.
   *
   * @param from little-endian, holds at least {@code into.remaining()} elements
   */
  void widen(ByteBuffer from, FloatBuffer into) {
    int count = into.remaining();
    switch (this) {
      case F32 -> {
        into.put(from.asFloatBuffer().limit(count));
        from.position(from.position() + count * Float.BYTES);
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          into.put(HalfFloats.fromBfloat16(from.getShort()));
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          into.put(HalfFloats.fromFloat16(from.getShort()));
        }
      }
      default -> throw new IllegalArgumentException(this + " is not a type of weights");
    }
  }

  /**
   * Writes float32 values in this type, little-endian, rounded to nearest, ties to even.
   *
   * @param into little-endian, with room for {@code from.remaining()} elements
   */
  void narrow(FloatBuffer from, ByteBuffer into) {
    switch (this) {
      case F32 -> {
        int count = from.remaining();
        into.asFloatBuffer().put(from);
        into.position(into.position() + count * Float.BYTES);
      }
      case BF16 -> {
        while (from.hasRemaining()) {
          into.putShort(HalfFloats.toBfloat16(from.get()));
        }
      }
      case F16 -> {
        while (from.hasRemaining()) {
          into.putShort(HalfFloats.toFloat16(from.get()));
        }
      }
      default -> throw new IllegalArgumentException(this + " is not a type of weights");
    }
  }
}
