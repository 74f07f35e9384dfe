package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.parameters.FlatVector;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EncodedBlocksTest {

  private static final long VERSION = 7;

  private final FlatVector vector = KnownVectors.parameters(136L * FlatVector.BLOCK + 123, 1);
  private final AtomicBoolean retired = new AtomicBoolean();
  private final BlockEncoder encoder =
      new BlockEncoder(vector, VERSION, GradientFormat.FLOAT32, retired::get);
  private final EncodedBlocks blocks = new EncodedBlocks();

  @AfterEach
  void close() {
    blocks.close();
  }

  @Test
  void aSharedBodyHasTheBytesOfOneOfItsOwn() throws IOException {
    int count = vector.blockCount();
    byte[] own = VectorBody.of(encoder, 0, count).nioByteBuffer().array();
    assertThat(VectorBody.of(blocks, encoder, 0, count).nioByteBuffer().array()).isEqualTo(own);
    assertThat(VectorBody.of(blocks, encoder, 0, count).nioByteBuffer().array()).isEqualTo(own);
    assertThat(own).hasSize((int) VectorBody.of(blocks, encoder, 0, count).size());
  }

  @Test
  void whoeverIsAtTheSameBlockGetsTheSameMemory() {
    ByteBuf first = blocks.get(encoder, 3);
    ByteBuf second = blocks.get(encoder, 3);
    assertThat(second.memoryAddress()).isEqualTo(first.memoryAddress());
    first.readerIndex(100);
    assertThat(second.readerIndex()).isZero();
    first.release();
    second.release();
  }

  @Test
  void aBlockThatManyOthersHaveFollowedIsEncodedAnew() {
    ByteBuf first = blocks.get(encoder, 0);
    ByteBuf far = blocks.get(encoder, 128);
    ByteBuf again = blocks.get(encoder, 0);
    assertThat(again.memoryAddress()).isNotEqualTo(first.memoryAddress());
    assertThat(again).isEqualTo(first);
    far.release();
    again.release();
    assertThat(first.unwrap().refCnt()).as("only its taker holds it").isEqualTo(1);
    first.release();
  }

  @Test
  void memoryIsKeptForTheNextVersionAndItsBlocksAreNotMistakenForTheLastOnes() {
    ByteBuf taken = blocks.get(encoder, 5);
    ByteBuf last = taken.unwrap();
    taken.release();
    FlatVector other = KnownVectors.parameters(vector.size(), 2);
    BlockEncoder next = new BlockEncoder(other, VERSION, GradientFormat.FLOAT32, () -> false);
    retired.set(true);
    assertThat(last.refCnt()).as("held until it is replaced").isEqualTo(1);
    ByteBuf block = blocks.get(next, 5);
    assertThat(last.refCnt()).isZero();
    ByteBuf expected = next.encode(5);
    assertThat(block).isEqualTo(expected);
    expected.release();
    block.release();
  }

  @Test
  void onceClosedNothingIsHeldAndWhatWasHandedOutStaysGood() throws IOException {
    ByteBuf before = blocks.get(encoder, 0);
    byte[] bytes = new byte[before.readableBytes()];
    before.getBytes(0, bytes);
    retired.set(true);
    blocks.close();
    vector.block(0)[0] = Float.NaN;
    byte[] after = new byte[bytes.length];
    before.getBytes(0, after);
    assertThat(after).isEqualTo(bytes);
    assertThat(before.unwrap().refCnt()).isEqualTo(1);
    before.release();
    ByteBuf late = blocks.get(encoder, 0);
    assertThat(late.refCnt()).isEqualTo(1);
    late.release();
  }
}
