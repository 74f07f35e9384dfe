/** Hadoop file systems: folders read by position, all-or-nothing publication, the run lock. */
package dev.collimate.storage;
