package dev.collimate.aggregate;

import dev.collimate.parameters.FlatVector;

/**
 * The parameters that a round works with; once retired, the caller may change them. They may be
 * announced while they are still being computed, from the first block on.
 */
final class Served {

  private final long version;
  private final FlatVector values;
  private final BlockEncoder encoder;
  private volatile int ready;
  private volatile boolean retired;

  private Served(long version, FlatVector values, int ready) {
    this.version = version;
    this.values = values;
    this.ready = ready;
    this.encoder = new BlockEncoder(values, version, GradientFormat.FLOAT32, this::isRetired);
  }

  /** Parameters that are all there. */
  static Served of(long version, FlatVector values) {
    return new Served(version, values, values.blockCount());
  }

  /** Parameters that are about to be computed. */
  static Served announced(long version, FlatVector values) {
    return new Served(version, values, 0);
  }

  long version() {
    return version;
  }

  FlatVector values() {
    return values;
  }

  boolean isRetired() {
    return retired;
  }

  void retire() {
    retired = true;
  }

  /** The blocks before {@code count} will not change any more. */
  void ready(int count) {
    ready = count;
  }

  /** Whether so many of the first blocks can be sent. */
  boolean hasFirst(int count) {
    return count <= ready;
  }

  /** Whether blocks can be sent. */
  boolean hasBlocks(int from, int to) {
    return 0 <= from && from < to && to <= ready;
  }

  /** Makes the blocks that are sent. */
  BlockEncoder encoder() {
    return encoder;
  }

  /** Whether there will be so many blocks. */
  boolean willHave(int count) {
    return !retired && count <= values.blockCount();
  }
}
