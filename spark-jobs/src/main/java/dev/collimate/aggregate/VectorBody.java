package dev.collimate.aggregate;

import dev.collimate.parameters.FlatVector;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.handler.stream.ChunkedStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.function.BooleanSupplier;
import org.apache.spark.network.buffer.ManagedBuffer;
import org.apache.spark.network.util.AbstractFileRegion;

/**
 * Some blocks of a vector as the body of a stream: each block as little-endian entries, then its
 * checksum. One block at a time is encoded, while it is being sent; nothing else is copied.
 */
final class VectorBody extends ManagedBuffer {

  private static final int SSL_CHUNK = 64 * 1024;
  private static final int ENOUGH_BYTES = 32 * 1024;

  private final FlatVector vector;
  private final int from;
  private final int to;
  private final long context;
  private final GradientFormat format;
  private final BooleanSupplier retired;

  /**
   * @param from first block
   * @param to one past the last block
   * @param context see {@link BlockChecksum}
   * @param format of the entries
   * @param retired whether the vector may be changing by now; from then on no block is valid
   */
  VectorBody(
      FlatVector vector,
      int from,
      int to,
      long context,
      GradientFormat format,
      BooleanSupplier retired) {
    this.vector = vector;
    this.from = from;
    this.to = to;
    this.context = context;
    this.format = format;
    this.retired = retired;
  }

  @Override
  public long size() {
    long entries =
        Math.min(vector.size(), (long) to * FlatVector.BLOCK) - (long) from * FlatVector.BLOCK;
    return entries * format.bytes() + (long) (to - from) * BlockChecksum.BYTES;
  }

  @Override
  public ByteBuffer nioByteBuffer() throws IOException {
    try (InputStream in = createInputStream()) {
      return ByteBuffer.wrap(in.readAllBytes());
    }
  }

  @Override
  public InputStream createInputStream() {
    return new BodyStream();
  }

  @Override
  public ManagedBuffer retain() {
    return this;
  }

  @Override
  public ManagedBuffer release() {
    return this;
  }

  @Override
  public Object convertToNetty() {
    return new Region();
  }

  /** Asked for by Spark 4 where TLS is on; Spark 3.5 does not know it. */
  @SuppressWarnings("MissingOverride")
  public Object convertToNettyForSsl() {
    return new ChunkedStream(createInputStream(), SSL_CHUNK);
  }

  /** Encodes block after block into one buffer. */
  private final class Encoder {
    // Taken when the first byte is asked for: a body that waits to be sent holds nothing.
    private ByteBuf memory = Unpooled.EMPTY_BUFFER;
    private ByteBuffer frame = ByteBuffer.allocate(0);
    private final BlockChecksum checksum = new BlockChecksum(context);
    private int next = from;

    /** The unread rest of the current block; empty only at the end. */
    ByteBuffer frame() {
      if (!frame.hasRemaining() && next < to) {
        encode(next++);
      }
      return frame;
    }

    private void encode(int index) {
      float[] block = vector.block(index);
      if (memory.capacity() == 0) {
        memory =
            PooledByteBufAllocator.DEFAULT.directBuffer(
                FlatVector.BLOCK * Float.BYTES + BlockChecksum.BYTES);
        frame = memory.nioBuffer(0, memory.capacity()).order(ByteOrder.LITTLE_ENDIAN);
      }
      frame.clear();
      format.write(block, frame);
      frame.limit(block.length * format.bytes());
      checksum.start(index);
      checksum.update(frame);
      // The block was read before this; if it is not retired now, it was not being changed then.
      VarHandle.loadLoadFence();
      int word =
          retired.getAsBoolean() ? checksum.value() ^ BlockChecksum.RETIRED : checksum.value();
      frame.limit(frame.limit() + BlockChecksum.BYTES);
      frame.putInt(word);
      frame.flip();
    }

    void close() {
      memory.release();
    }
  }

  private final class Region extends AbstractFileRegion {
    private final Encoder encoder = new Encoder();
    private final long count = size();
    private long transferred;

    @Override
    public long position() {
      return 0;
    }

    @Override
    public long transferred() {
      return transferred;
    }

    @Override
    public long count() {
      return count;
    }

    @Override
    public long transferTo(WritableByteChannel target, long position) throws IOException {
      if (position != transferred) {
        throw new IOException("a stream goes on at " + transferred + ", not at " + position);
      }
      // A block ends in four bytes, which are not worth a call of their own.
      long before = transferred;
      int written;
      do {
        written = target.write(encoder.frame());
        transferred += written;
      } while (written > 0 && transferred - before < ENOUGH_BYTES);
      return transferred - before;
    }

    @Override
    protected void deallocate() {
      encoder.close();
    }
  }

  private final class BodyStream extends InputStream {
    private final Encoder encoder = new Encoder();
    private boolean closed;

    @Override
    public int read() {
      ByteBuffer frame = encoder.frame();
      return frame.hasRemaining() ? frame.get() & 0xFF : -1;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
      ByteBuffer frame = encoder.frame();
      if (!frame.hasRemaining()) {
        return -1;
      }
      int count = Math.min(length, frame.remaining());
      frame.get(into, offset, count);
      return count;
    }

    @Override
    public int available() {
      return encoder.frame().remaining();
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        encoder.close();
      }
    }
  }
}
