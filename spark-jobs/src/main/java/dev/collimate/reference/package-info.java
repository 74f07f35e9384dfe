/** Reference log-probabilities, computed by executors and kept by row content. */
package dev.collimate.reference;
