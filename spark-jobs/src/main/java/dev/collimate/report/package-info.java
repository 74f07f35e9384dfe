/** Metrics, manifest, HTML report. */
package dev.collimate.report;
