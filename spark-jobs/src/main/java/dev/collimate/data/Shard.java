package dev.collimate.data;

import java.io.Serializable;

/**
 * A token shard as the index lists it.
 *
 * @param file relative to the data folder
 * @param rows its number of rows
 * @param tokens of all its sequences
 * @param bytes its length
 * @param sha256 of its content, hexadecimal
 */
public record Shard(String file, int rows, long tokens, long bytes, String sha256)
    implements Serializable {}
