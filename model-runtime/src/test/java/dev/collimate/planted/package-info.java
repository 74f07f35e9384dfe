/**
 * Whole trainings on rows whose truth was planted, to see whether an objective does what is claimed
 * for it. What is tried, on which rows and how it is measured stands in {@link
 * dev.collimate.planted.Claims}.
 */
package dev.collimate.planted;
