/** Sampling with a KV cache. */
package dev.collimate.generate;
