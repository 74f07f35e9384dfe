/**
 * What every room shares: the one exception that carries a sentence for the user and its exit code.
 */
package dev.collimate;
