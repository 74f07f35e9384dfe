package dev.collimate.data;

import java.util.Arrays;
import java.util.List;
import org.apache.spark.Partitioner;

/** One partition for each shard: from the sort key of its first row to that of the next one's. */
final class ShardBounds extends Partitioner {

  private final String[] firstKeys;

  /**
   * @param firstKeys ascending
   */
  ShardBounds(List<String> firstKeys) {
    this.firstKeys = firstKeys.toArray(String[]::new);
  }

  @Override
  public int numPartitions() {
    return firstKeys.length;
  }

  @Override
  public int getPartition(Object sortKey) {
    int found = Arrays.binarySearch(firstKeys, (String) sortKey);
    return found >= 0 ? found : -found - 2;
  }

  PlaceRows.Place place(int shard) {
    return PlaceRows.placeOf(firstKeys[shard]);
  }

  /** Number of a shard among those of its place. */
  int number(int shard) {
    int number = 0;
    while (number < shard && place(shard - number - 1) == place(shard)) {
      number++;
    }
    return number;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ShardBounds bounds && Arrays.equals(firstKeys, bounds.firstKeys);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(firstKeys);
  }
}
