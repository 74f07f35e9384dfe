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
  private final EncodedBlocks blocks = new EncodedBlocks(encoder);

  @AfterEach
  void close() {
    blocks.close();
  }

  @Test
  void aSharedBodyHasTheBytesOfOneOfItsOwn() throws IOException {
    int count = vector.blockCount();
    byte[] own = VectorBody.of(encoder, 0, count).nioByteBuffer().array();
    assertThat(VectorBody.of(blocks, 0, count).nioByteBuffer().array()).isEqualTo(own);
    assertThat(VectorBody.of(blocks, 0, count).nioByteBuffer().array()).isEqualTo(own);
    assertThat(own).hasSize((int) VectorBody.of(blocks, 0, count).size());
  }

  @Test
  void whoeverIsAtTheSameBlockGetsTheSameMemory() {
    ByteBuf first = blocks.get(3);
    ByteBuf second = blocks.get(3);
    assertThat(second.memoryAddress()).isEqualTo(first.memoryAddress());
    first.readerIndex(100);
    assertThat(second.readerIndex()).isZero();
    first.release();
    second.release();
  }

  @Test
  void aBlockThatManyOthersHaveFollowedIsEncodedAnew() {
    ByteBuf first = blocks.get(0);
    ByteBuf far = blocks.get(128);
    ByteBuf again = blocks.get(0);
    assertThat(again.memoryAddress()).isNotEqualTo(first.memoryAddress());
    assertThat(again).isEqualTo(first);
    far.release();
    again.release();
    assertThat(first.unwrap().refCnt()).as("only its taker holds it").isEqualTo(1);
    first.release();
  }

  @Test
  void onceClosedNothingIsHeldAndWhatWasHandedOutStaysGood() throws IOException {
    ByteBuf before = blocks.get(0);
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
    ByteBuf late = blocks.get(0);
    assertThat(late.refCnt()).isEqualTo(1);
    late.release();
  }
}
