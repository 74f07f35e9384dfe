package dev.collimate.aggregate;

import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.HalfFloats;
import dev.collimate.parameters.TreeNode;
import java.nio.ByteBuffer;
import java.nio.ShortBuffer;

/**
 * How a micro-batch's gradient leaves its worker. With {@link #BFLOAT16} each is rounded once, to
 * nearest even, before anything is added to it; sums are float32 in either, so the result is the
 * same whoever adds them.
 */
public enum GradientFormat {
  FLOAT32(Float.BYTES) {
    @Override
    void round(FlatVector gradient) {
      // It is what it is.
    }

    @Override
    void write(float[] values, ByteBuffer to) {
      to.asFloatBuffer().put(values);
    }

    @Override
    void read(ByteBuffer from, float[] into, int at, int count) {
      from.asFloatBuffer().get(into, at, count);
    }
  },

  /** The upper half of a float32. */
  BFLOAT16(Short.BYTES) {
    @Override
    void round(FlatVector gradient) {
      for (int i = 0; i < gradient.blockCount(); i++) {
        float[] block = gradient.block(i);
        for (int j = 0; j < block.length; j++) {
          block[j] = HalfFloats.fromBfloat16(HalfFloats.toBfloat16(block[j]));
        }
      }
    }

    @Override
    void write(float[] values, ByteBuffer to) {
      ShortBuffer halves = to.asShortBuffer();
      for (int i = 0; i < values.length; i++) {
        halves.put(i, HalfFloats.toBfloat16(values[i]));
      }
    }

    @Override
    void read(ByteBuffer from, float[] into, int at, int count) {
      ShortBuffer halves = from.asShortBuffer();
      for (int i = 0; i < count; i++) {
        into[at + i] = HalfFloats.fromBfloat16(halves.get(i));
      }
    }
  };

  private final int bytes;

  GradientFormat(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of an entry. */
  int bytes() {
    return bytes;
  }

  /** How the result of a node travels: a sum of several leaves needs all of float32. */
  GradientFormat of(TreeNode node) {
    return node.leaves() == 1 ? this : FLOAT32;
  }

  /** Rounds every entry to what this format can tell. */
  abstract void round(FlatVector gradient);

  /** Writes the entries at the buffer's position, which stays. */
  abstract void write(float[] values, ByteBuffer to);

  /** Reads {@code count} entries at the buffer's position, which stays. */
  abstract void read(ByteBuffer from, float[] into, int at, int count);
}
