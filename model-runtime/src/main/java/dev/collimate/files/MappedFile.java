package dev.collimate.files;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * A local file mapped into memory, in segments because one buffer holds at most 2 GiB. A segment is
 * mapped when it is first read; the file must not shrink while it is open.
 */
final class MappedFile implements Folder.File {

  static final long SEGMENT_BYTES = 1L << 30;

  private final Path path;
  private final FileChannel channel;
  private final long length;
  private final AtomicReferenceArray<MappedByteBuffer> segments;

  /** Takes over the channel. */
  MappedFile(Path path, FileChannel channel) throws IOException {
    this.path = path;
    this.channel = channel;
    length = channel.size();
    segments =
        new AtomicReferenceArray<>(Math.toIntExact((length + SEGMENT_BYTES - 1) / SEGMENT_BYTES));
  }

  @Override
  public long length() {
    return length;
  }

  @Override
  public void read(long position, ByteBuffer into) throws IOException {
    if (position < 0 || into.remaining() > length - position) {
      throw new EOFException(
          "'%s' ends at byte %d, bytes [%d, %d) were wanted"
              .formatted(path, length, position, position + into.remaining()));
    }
    while (into.hasRemaining()) {
      int offset = (int) (position % SEGMENT_BYTES);
      MappedByteBuffer segment = segment((int) (position / SEGMENT_BYTES));
      int count = Math.min(into.remaining(), segment.capacity() - offset);
      into.put(into.position(), segment, offset, count);
      into.position(into.position() + count);
      position += count;
    }
  }

  /** Two threads may map the same segment at once; either mapping serves. */
  private MappedByteBuffer segment(int index) throws IOException {
    MappedByteBuffer segment = segments.get(index);
    if (segment == null) {
      long start = index * SEGMENT_BYTES;
      segment =
          channel.map(
              FileChannel.MapMode.READ_ONLY, start, Math.min(SEGMENT_BYTES, length - start));
      segments.set(index, segment);
    }
    return segment;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
