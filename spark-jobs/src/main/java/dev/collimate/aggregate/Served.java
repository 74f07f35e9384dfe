package dev.collimate.aggregate;

import dev.collimate.parameters.FlatVector;

/** The parameters that a round works with; once retired, the caller may change them. */
final class Served {

  private final long version;
  private final FlatVector values;
  private volatile boolean retired;

  Served(long version, FlatVector values) {
    this.version = version;
    this.values = values;
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

  boolean hasBlocks(int from, int to) {
    return 0 <= from && from < to && to <= values.blockCount();
  }
}
