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
import java.util.Optional;

/**
 * Moves float32 numbers between Java and tensors piece by piece, so that neither side needs a
 * buffer as large as the tensor. The managers given hold the pieces and are left as they were.
 */
final class TensorCopy {

  /** Numbers per piece: 4 MiB. */
  private static final int PIECE = 1 << 20;

  /** 32 MiB, so that waiting for the GPU and starting threads cost little. */
  private static final int PIECE_OF_GPU = 1 << 23;

  private final Kernels kernels;

  /** How many threads copy between the piece and Java's arrays, which takes longer than the bus. */
  private final int threads;

  private final int most;

  /** Page-locked main memory that a GPU's pieces pass through; empty on the CPU. */
  private final Optional<PtNDArray> pinned;

  private final ByteBuffer piece;

  /**
   * @param owner on the tensors' device; owns what is needed for every copy
   */
  TensorCopy(Kernels kernels, PtNDManager owner) {
    this.kernels = kernels;
    boolean isGpu = owner.getDevice().isGpu();
    threads = isGpu ? Engine.current().threads() : 1;
    most = isGpu ? PIECE_OF_GPU : PIECE;
    pinned = isGpu ? Optional.of(kernels.call(owner, "pinned", most)) : Optional.empty();
    piece =
        pinned
            .map(tensor -> tensor.toByteBuffer(/* tryDirect= */ true))
            .orElseGet(
                () -> ByteBuffer.allocateDirect(most * Float.BYTES).order(ByteOrder.nativeOrder()));
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
    write(manager, target, (first, into) -> vector.get(offset + first, into, threads));
  }

  /** Writes a tensor to its part of the flat vector. */
  void toVector(PtNDManager manager, PtNDArray source, FlatVector vector, long offset) {
    long size = source.size();
    for (long first = 0; first < size; first += most) {
      int count = (int) Math.min(most, size - first);
      try (PtNDArray part = read(manager, source, first, count)) {
        FloatBuffer values =
            pinned.isPresent() ? piece(count) : part.toByteBuffer(true).asFloatBuffer();
        vector.put(offset + first, values, threads);
      }
    }
  }

  private PtNDArray read(PtNDManager manager, PtNDArray source, long first, int count) {
    return pinned.isPresent()
        ? kernels.call(manager, "fetch", source, first, count, pinned.get())
        : kernels.call(manager, "read", source, first, count);
  }

  /** The first numbers of the piece. */
  private FloatBuffer piece(int count) {
    return piece
        .clear()
        .limit(count * Float.BYTES)
        .slice()
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  private void write(PtNDManager manager, PtNDArray target, Source source) {
    long size = target.size();
    for (long first = 0; first < size; first += most) {
      int count = (int) Math.min(most, size - first);
      source.fill(first, piece(count));
      try (PtNDArray values = values(manager, count);
          PtNDArray written = kernels.call(manager, "write", target, first, values)) {
        assert written.size() == count;
      }
    }
  }

  private PtNDArray values(PtNDManager manager, int count) {
    if (pinned.isPresent()) {
      return kernels.call(manager, "rows", pinned.get(), 0, count);
    }
    piece.clear().limit(count * Float.BYTES);
    return manager.create(piece, new Shape(count), DataType.FLOAT32);
  }
}
