package dev.collimate.aggregate;

import dev.collimate.parameters.FlatVector;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import org.apache.spark.network.client.StreamCallbackWithID;

/**
 * Reads a {@link VectorBody} into a vector as it arrives. A fault does not break the connection:
 * the rest of the stream is skipped and the fault reported at its end. Fed by one network thread;
 * {@link #abort} may come from another.
 */
final class VectorReceiver implements StreamCallbackWithID {

  private final String id;
  private final FlatVector target;
  private final int to;
  private final GradientFormat format;
  private final BlockChecksum checksum;
  private final Consumer<String> whenDone;
  private final ByteBuffer word =
      ByteBuffer.allocate(BlockChecksum.BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private int block;
  private int at;
  private String fault = "";
  private boolean over;
  private volatile long received;

  /**
   * @param whenDone called once, with an empty text where all went well, else with the fault
   */
  VectorReceiver(
      String id,
      FlatVector target,
      int from,
      int to,
      long context,
      GradientFormat format,
      Consumer<String> whenDone) {
    this.id = id;
    this.target = target;
    this.to = to;
    this.block = from;
    this.checksum = new BlockChecksum(context);
    this.format = format;
    this.whenDone = whenDone;
    checksum.start(block);
  }

  @Override
  public String getID() {
    return id;
  }

  /** Bytes that have come in. */
  long received() {
    return received;
  }

  /** From the return of this call on, the target is not touched any more. */
  synchronized void abort(String why) {
    if (fault.isEmpty()) {
      fault = why;
    }
  }

  @Override
  public synchronized void onData(String streamId, ByteBuffer data) {
    received += data.remaining();
    ByteBuffer in = data.slice().order(ByteOrder.LITTLE_ENDIAN);
    while (in.hasRemaining() && fault.isEmpty()) {
      if (block == to) {
        fault = "the stream is longer than its blocks";
        continue;
      }
      int unit = at == target.block(block).length ? BlockChecksum.BYTES : format.bytes();
      if (word.position() > 0 || in.remaining() < unit) {
        word.limit(unit).put(in.get());
        if (!word.hasRemaining()) {
          take(word.flip());
          word.clear();
        }
      } else {
        take(in);
      }
    }
  }

  /** Takes whole words: entries of the block, or its checksum. */
  private void take(ByteBuffer in) {
    float[] values = target.block(block);
    if (at == values.length) {
      compare(in.getInt());
      return;
    }
    int count = Math.min(values.length - at, in.remaining() / format.bytes());
    int end = in.position() + count * format.bytes();
    format.read(in, values, at, count);
    int limit = in.limit();
    checksum.update(in.limit(end));
    in.limit(limit);
    at += count;
  }

  private void compare(int sent) {
    if (sent == (checksum.value() ^ BlockChecksum.RETIRED)) {
      fault = "the sender's vector is no longer valid";
    } else if (sent != checksum.value()) {
      fault = "the checksum of block " + block + " is wrong";
    } else {
      block++;
      at = 0;
      if (block < to) {
        checksum.start(block);
      }
    }
  }

  @Override
  public void onComplete(String streamId) {
    synchronized (this) {
      if (fault.isEmpty() && block < to) {
        fault = "the stream ends in block " + block + " of " + to;
      }
    }
    end();
  }

  /** What the sender hears at the end of an upload. */
  @Override
  public ByteBuffer getCompletionResponse() {
    String result = fault();
    return (result.isEmpty() ? new Reply.Fine() : new Reply.Refused(result)).encode();
  }

  @Override
  public void onFailure(String streamId, Throwable cause) {
    abort(cause.toString());
    end();
  }

  private synchronized String fault() {
    return fault;
  }

  private void end() {
    String result;
    synchronized (this) {
      if (over) {
        return;
      }
      over = true;
      result = fault;
    }
    whenDone.accept(result);
  }
}
