/** The run file as validated records. */
package dev.collimate.config;
