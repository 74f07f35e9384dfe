package dev.collimate.data;

/**
 * Where a row came from.
 *
 * @param source index of the source in {@code data.train} followed by {@code data.eval}
 * @param file the file, or the table's name
 * @param block start of the part of the file that one task read; parts of a file sort by it
 * @param index of the row within the part, from 0, blank lines of JSON counted
 */
record RowOrigin(int source, String file, long block, long index) {}
