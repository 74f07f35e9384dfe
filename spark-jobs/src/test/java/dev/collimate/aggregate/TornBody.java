package dev.collimate.aggregate;

import io.netty.channel.FileRegion;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import org.apache.spark.network.buffer.ManagedBuffer;
import org.apache.spark.network.util.AbstractFileRegion;

/** A stream's body whose sender dies half-way. */
final class TornBody extends ManagedBuffer {

  private final ManagedBuffer whole;

  TornBody(ManagedBuffer whole) {
    this.whole = whole;
  }

  @Override
  public long size() {
    return whole.size();
  }

  @Override
  public ByteBuffer nioByteBuffer() throws IOException {
    return whole.nioByteBuffer();
  }

  @Override
  public InputStream createInputStream() throws IOException {
    return whole.createInputStream();
  }

  @Override
  public ManagedBuffer retain() {
    return this;
  }

  @Override
  public ManagedBuffer release() {
    return this;
  }

  @SuppressWarnings("MissingOverride")
  public Object convertToNettyForSsl() throws IOException {
    return createInputStream();
  }

  @Override
  public Object convertToNetty() throws IOException {
    FileRegion region = (FileRegion) whole.convertToNetty();
    return new AbstractFileRegion() {
      @Override
      public long position() {
        return 0;
      }

      @Override
      public long transferred() {
        return region.transferred();
      }

      @Override
      public long count() {
        return region.count();
      }

      @Override
      public long transferTo(WritableByteChannel target, long position) throws IOException {
        if (2 * position > count()) {
          throw new IOException("the sender has died");
        }
        return region.transferTo(target, position);
      }

      @Override
      protected void deallocate() {
        region.release();
      }
    };
  }
}
