/**
 * The trained parameters as one flat float32 vector: its layout, its storage in blocks, and the
 * fixed-order tree sum of gradients.
 */
package dev.collimate.parameters;
