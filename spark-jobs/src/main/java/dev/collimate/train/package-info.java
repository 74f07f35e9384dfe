/** The driver loop, the worker task, the batch plan, checkpoints. */
package dev.collimate.train;
