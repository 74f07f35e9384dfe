/**
 * Rows to token shards: sources are read on executors, each row is prepared or quarantined, and the
 * prepared rows are published in training order.
 */
package dev.collimate.data;
