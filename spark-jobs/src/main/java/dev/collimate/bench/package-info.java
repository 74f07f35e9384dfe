/** Measurements on the user's own machines, beside the floors and baselines. */
package dev.collimate.bench;
