package dev.collimate.aggregate;

import dev.collimate.parameters.FlatVector;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.BooleanSupplier;

/**
 * Makes of a vector's block what travels: its entries, little-endian, then its checksum. Safe for
 * several threads.
 *
 * @param context see {@link BlockChecksum}
 * @param format of the entries
 * @param retired whether the vector may be changing by now; from then on no block is valid
 */
record BlockEncoder(
    FlatVector vector, long context, GradientFormat format, BooleanSupplier retired) {

  /** Bytes of the blocks from {@code from} to before {@code to} on the wire. */
  long bytes(int from, int to) {
    long entries =
        Math.min(vector.size(), (long) to * FlatVector.BLOCK) - (long) from * FlatVector.BLOCK;
    return entries * format.bytes() + (long) (to - from) * BlockChecksum.BYTES;
  }

  /** The block in memory outside the heap, which the caller releases. */
  ByteBuf encode(int index) {
    float[] block = vector.block(index);
    int size = block.length * format.bytes();
    ByteBuf memory = PooledByteBufAllocator.DEFAULT.directBuffer(size + BlockChecksum.BYTES);
    ByteBuffer frame =
        memory.nioBuffer(0, size + BlockChecksum.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    format.write(block, frame);
    BlockChecksum checksum = new BlockChecksum(context);
    checksum.start(index);
    checksum.update(frame.limit(size));
    // The block was read before this; if it is not retired now, it was not being changed then.
    VarHandle.loadLoadFence();
    int word = checksum.value();
    frame.limit(size + BlockChecksum.BYTES);
    frame.putInt(retired.getAsBoolean() ? word ^ BlockChecksum.RETIRED : word);
    return memory.writerIndex(size + BlockChecksum.BYTES);
  }
}
