package dev.collimate.data;

import java.io.Serializable;

/**
 * Where a row came from. Origins of a source sort in input order: by file name, part of the file,
 * and position in it.
 *
 * @param source index in {@code data.train} followed by {@code data.eval}
 * @param file the file, or the table's name
 * @param block start of the part of the file that one task read
 * @param index of the row within the part, from 0; blank lines of JSON count
 * @param side 0 of a row as it was read, 1 and 2 of the rows that a pair became
 */
record RowOrigin(int source, String file, long block, long index, int side)
    implements Serializable, Comparable<RowOrigin> {

  /** A row as it was read. */
  RowOrigin(int source, String file, long block, long index) {
    this(source, file, block, index, 0);
  }

  RowOrigin withSide(int number) {
    return new RowOrigin(source, file, block, index, number);
  }

  /**
   * File name and row number, for people. Where the file was read in parts, a task knows the number
   * within its part alone.
   */
  String place() {
    String name = file.substring(file.lastIndexOf('/') + 1);
    String place = "'%s' row %d".formatted(name, index + 1);
    return block == 0 ? place : place + " of the part at " + block;
  }

  @Override
  public int compareTo(RowOrigin other) {
    return SortKey.ofOrigin(this).compareTo(SortKey.ofOrigin(other));
  }
}
