/** The commands. */
package dev.collimate.cli;
