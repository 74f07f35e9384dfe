package dev.collimate.data;

import dev.collimate.text.Example;

/**
 * A row as a shard holds it.
 *
 * @param source index of the source it came from
 * @param file the file or table it came from
 * @param line its number in the file, from 1
 * @param columns the input row as JSON; empty where the schema does not keep it
 */
record ShardRow(Example example, int source, String file, long line, String columns) {}
