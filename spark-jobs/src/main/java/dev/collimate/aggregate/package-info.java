/** The driver-side aggregator, its client and its wire messages; knows nothing of models. */
package dev.collimate.aggregate;
