/** Micro-batch to gradient; AdamW; schedules; clipping. */
package dev.collimate.learn;
