package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.parameters.FlatVector;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocatorMetric;
import io.netty.channel.FileRegion;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.spark.network.util.ByteArrayWritableChannel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VectorStreamTest {

  private static final long SIZE = 2L * FlatVector.BLOCK + 1_001;
  private static final long CONTEXT = 42;

  private GradientFormat format = GradientFormat.FLOAT32;
  private final FlatVector sent = KnownVectors.parameters(SIZE, 3);
  private final FlatVector got = new FlatVector(SIZE);
  private final List<String> outcomes = new ArrayList<>();

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 4, 7, 1_000, 65_537, 1_000_000})
  void aVectorArrivesWholeHoweverTheNetworkCutsIt(int largestPiece) throws IOException {
    byte[] bytes = body(0, 3).nioByteBuffer().array();
    assertThat(bytes).hasSize((int) body(0, 3).size());
    feed(receiver(0, 3, CONTEXT), bytes, largestPiece);
    assertThat(outcomes).containsExactly("");
    assertThat(ResultHash.of(got, new byte[0])).isEqualTo(ResultHash.of(sent, new byte[0]));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 1_000, 131_073, 1_000_000})
  void roundedEntriesArriveWholeInHalfTheBytes(int largestPiece) throws IOException {
    format = GradientFormat.BFLOAT16;
    format.round(sent);
    byte[] bytes = body(0, 3).nioByteBuffer().array();
    assertThat(bytes).hasSize((int) SIZE * 2 + 3 * BlockChecksum.BYTES);
    feed(receiver(0, 3, CONTEXT), bytes, largestPiece);
    assertThat(outcomes).containsExactly("");
    assertThat(ResultHash.of(got, new byte[0])).isEqualTo(ResultHash.of(sent, new byte[0]));
  }

  @Test
  void partsFillTheirBlocksOnly() throws IOException {
    feed(receiver(1, 2, CONTEXT), body(1, 2).nioByteBuffer().array(), 5_000);
    assertThat(outcomes).containsExactly("");
    assertThat(got.block(1)).isEqualTo(sent.block(1));
    assertThat(got.block(0)).containsOnly(0f);
    assertThat(got.block(2)).containsOnly(0f);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 100_000, 262_143, 262_144, 262_147, 262_148, 528_299})
  void anyChangedByteIsNoticed(int position) throws IOException {
    byte[] bytes = body(0, 3).nioByteBuffer().array();
    bytes[position] ^= 4;
    feed(receiver(0, 3, CONTEXT), bytes, 10_000);
    int block = position / (FlatVector.BLOCK * 4 + 4);
    assertThat(outcomes).containsExactly("the checksum of block " + block + " is wrong");
  }

  @Test
  void blocksOfAnotherLeaseAreNoticed() throws IOException {
    feed(receiver(0, 3, CONTEXT + 1), body(0, 3).nioByteBuffer().array(), 10_000);
    assertThat(outcomes).containsExactly("the checksum of block 0 is wrong");
  }

  @Test
  void aBlockInAnotherPlaceIsNoticed() throws IOException {
    feed(receiver(1, 2, CONTEXT), body(0, 1).nioByteBuffer().array(), 10_000);
    assertThat(outcomes).containsExactly("the checksum of block 1 is wrong");
  }

  /** Spark's ciphers take 32 KiB at a time, of which a block leaves its last four bytes over. */
  @Test
  void noPieceIsSentForTheLastBytesOfABlockAlone() throws IOException {
    FileRegion region = (FileRegion) body(0, 3).convertToNetty();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int pieces = 0;
    for (; region.transferred() < region.count(); pieces++) {
      ByteArrayWritableChannel piece = new ByteArrayWritableChannel(32 * 1024);
      region.transferTo(piece, region.transferred());
      bytes.write(piece.getData(), 0, piece.length());
    }
    region.release();
    assertThat(bytes.toByteArray()).isEqualTo(body(0, 3).nioByteBuffer().array());
    assertThat(pieces).isEqualTo(bytes.size() / (32 * 1024) + 1);
  }

  @Test
  void aBodyThatWaitsHoldsNoMemory() throws IOException {
    PooledByteBufAllocatorMetric memory = PooledByteBufAllocator.DEFAULT.metric();
    long before = memory.usedDirectMemory();
    List<FileRegion> waiting = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      waiting.add((FileRegion) body(0, 3).convertToNetty());
    }
    assertThat(memory.usedDirectMemory() - before).isLessThan(100_000_000);
    waiting.forEach(FileRegion::release);
  }

  @Test
  void aShortStreamIsNoticed() throws IOException {
    feed(receiver(0, 3, CONTEXT), body(0, 2).nioByteBuffer().array(), 10_000);
    assertThat(outcomes).containsExactly("the stream ends in block 2 of 3");
  }

  @Test
  void aLongStreamIsNoticed() throws IOException {
    feed(receiver(0, 2, CONTEXT), body(0, 3).nioByteBuffer().array(), 10_000);
    assertThat(outcomes).containsExactly("the stream is longer than its blocks");
  }

  @Test
  void aVectorThatMayBeChangingIsNotTaken() throws IOException {
    AtomicBoolean retired = new AtomicBoolean(true);
    VectorBody body =
        VectorBody.of(new BlockEncoder(sent, CONTEXT, GradientFormat.FLOAT32, retired::get), 0, 3);
    feed(receiver(0, 3, CONTEXT), body.nioByteBuffer().array(), 10_000);
    assertThat(outcomes).containsExactly("the sender's vector is no longer valid");
  }

  @Test
  void anAbortedReceiverTouchesNothingMore() throws IOException {
    VectorReceiver receiver = receiver(0, 3, CONTEXT);
    receiver.abort("the worker is lost");
    feed(receiver, body(0, 3).nioByteBuffer().array(), 10_000);
    assertThat(outcomes).containsExactly("the worker is lost");
    assertThat(got.block(0)).containsOnly(0f);
  }

  private VectorBody body(int from, int to) {
    return VectorBody.of(new BlockEncoder(sent, CONTEXT, format, () -> false), from, to);
  }

  private VectorReceiver receiver(int from, int to, long context) {
    return new VectorReceiver("test", got, from, to, context, format, outcomes::add);
  }

  private static void feed(VectorReceiver receiver, byte[] bytes, int largestPiece) {
    Random random = new Random(5);
    int at = 0;
    while (at < bytes.length) {
      int count = Math.min(bytes.length - at, 1 + random.nextInt(largestPiece));
      receiver.onData("test", ByteBuffer.wrap(bytes, at, count));
      at += count;
    }
    receiver.onComplete("test");
  }
}
