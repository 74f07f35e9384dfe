package dev.collimate.nn;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.parameters.FlatVector;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * Moves float32 numbers between Java and tensors piece by piece, so that neither side needs a
 * buffer as large as the tensor. The managers given hold the pieces and are left as they were.
 */
final class TensorCopy {

  /** Numbers per piece: 4 MiB. */
  private static final int PIECE = 1 << 20;

  private final Kernels kernels;
  private final ByteBuffer piece;

  TensorCopy(Kernels kernels) {
    this.kernels = kernels;
    piece = ByteBuffer.allocateDirect(PIECE * Float.BYTES).order(ByteOrder.nativeOrder());
  }

  /** Something that fills a buffer with the numbers from a position on. */
  private interface Source {
    void fill(long first, FloatBuffer into);
  }

  /** Reads a tensor of a model, widened to float32. */
  void fromModel(PtNDManager manager, ModelFolder model, String name, PtNDArray target) {
    write(manager, target, (first, into) -> model.readFloat32(name, first, into));
  }

  /** Reads a parameter's part of the flat vector. */
  void fromVector(PtNDManager manager, FlatVector vector, long offset, PtNDArray target) {
    write(manager, target, (first, into) -> vector.get(offset + first, into));
  }

  /** Writes a tensor to its part of the flat vector. */
  void toVector(PtNDManager manager, PtNDArray source, FlatVector vector, long offset) {
    long size = source.size();
    for (long first = 0; first < size; first += PIECE) {
      long count = Math.min(PIECE, size - first);
      try (PtNDArray part = kernels.call(manager, "read", source, first, count)) {
        vector.put(offset + first, part.toByteBuffer(true).asFloatBuffer());
      }
    }
  }

  private void write(PtNDManager manager, PtNDArray target, Source source) {
    long size = target.size();
    for (long first = 0; first < size; first += PIECE) {
      int count = (int) Math.min(PIECE, size - first);
      piece.clear().limit(count * Float.BYTES);
      source.fill(first, piece.asFloatBuffer());
      try (PtNDArray values = manager.create(piece, new Shape(count), DataType.FLOAT32);
          PtNDArray written = kernels.call(manager, "write", target, first, values)) {
        assert written.size() == count;
      }
    }
  }
}
