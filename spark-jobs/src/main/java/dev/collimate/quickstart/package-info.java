/**
 * The quick start: a small task with checkable answers, learnt from faulty demonstrations and then
 * from preferences against the fault, by the same stages that {@code run} uses.
 */
package dev.collimate.quickstart;
