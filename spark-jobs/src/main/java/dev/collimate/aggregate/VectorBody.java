package dev.collimate.aggregate;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.stream.ChunkedStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.function.IntFunction;
import org.apache.spark.network.buffer.ManagedBuffer;
import org.apache.spark.network.util.AbstractFileRegion;

/**
 * Some blocks of a vector as the body of a stream, as {@link BlockEncoder} makes them. One block at
 * a time is encoded, while it is being sent; nothing else is copied.
 */
final class VectorBody extends ManagedBuffer {

  private static final int SSL_CHUNK = 64 * 1024;
  private static final int ENOUGH_BYTES = 32 * 1024;

  private final int from;
  private final int to;
  private final long size;
  private final IntFunction<ByteBuf> blocks;

  private VectorBody(int from, int to, long size, IntFunction<ByteBuf> blocks) {
    this.from = from;
    this.to = to;
    this.size = size;
    this.blocks = blocks;
  }

  /**
   * A body whose blocks are encoded for it alone.
   *
   * @param from first block
   * @param to one past the last block
   */
  static VectorBody of(BlockEncoder encoder, int from, int to) {
    return new VectorBody(from, to, encoder.bytes(from, to), encoder::encode);
  }

  /** A body that shares its blocks with others, see {@link #of}. */
  static VectorBody of(EncodedBlocks shared, BlockEncoder encoder, int from, int to) {
    return new VectorBody(from, to, encoder.bytes(from, to), index -> shared.get(encoder, index));
  }

  @Override
  public long size() {
    return size;
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

  /** Takes block after block. */
  private final class Blocks {
    // Taken when the first byte is asked for: a body that waits to be sent holds nothing.
    private ByteBuf block = Unpooled.EMPTY_BUFFER;
    private ByteBuffer unread = ByteBuffer.allocate(0);
    private int next = from;

    /** The unread rest of the current block; empty only at the end. */
    ByteBuffer unread() {
      if (!unread.hasRemaining() && next < to) {
        close();
        block = blocks.apply(next++);
        unread = block.nioBuffer();
      }
      return unread;
    }

    void close() {
      block.release();
      block = Unpooled.EMPTY_BUFFER;
      unread = ByteBuffer.allocate(0);
    }
  }

  private final class Region extends AbstractFileRegion {
    private final Blocks rest = new Blocks();
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
      return size;
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
        written = target.write(rest.unread());
        transferred += written;
      } while (written > 0 && transferred - before < ENOUGH_BYTES);
      return transferred - before;
    }

    @Override
    protected void deallocate() {
      rest.close();
    }
  }

  private final class BodyStream extends InputStream {
    private final Blocks rest = new Blocks();
    private boolean closed;

    @Override
    public int read() {
      ByteBuffer unread = rest.unread();
      return unread.hasRemaining() ? unread.get() & 0xFF : -1;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
      ByteBuffer unread = rest.unread();
      if (!unread.hasRemaining()) {
        return -1;
      }
      int count = Math.min(length, unread.remaining());
      unread.get(into, offset, count);
      return count;
    }

    @Override
    public int available() {
      return rest.unread().remaining();
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        rest.close();
      }
    }
  }
}
