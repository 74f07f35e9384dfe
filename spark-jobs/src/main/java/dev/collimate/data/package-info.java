/** Rows read, checked, rendered, tokenized, sharded; quarantine. */
package dev.collimate.data;
