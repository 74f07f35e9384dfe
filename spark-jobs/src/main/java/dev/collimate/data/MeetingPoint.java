package dev.collimate.data;

import org.apache.spark.Partitioner;

/** Brings rows of one key into one partition, by the first two bytes of the key's hash. */
final class MeetingPoint extends Partitioner {

  private final int partitions;

  MeetingPoint(int partitions) {
    this.partitions = Math.min(partitions, 1 << 16);
  }

  @Override
  public int numPartitions() {
    return partitions;
  }

  @Override
  public int getPartition(Object meetingKey) {
    String key = (String) meetingKey;
    return (int) (((long) (key.charAt(0) << 8 | key.charAt(1)) * partitions) >>> 16);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof MeetingPoint point && point.partitions == partitions;
  }

  @Override
  public int hashCode() {
    return partitions;
  }
}
