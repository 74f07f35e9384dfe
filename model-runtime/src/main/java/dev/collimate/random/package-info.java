/**
 * Random numbers by position: a draw depends on what it belongs to, never on what was drawn before.
 */
package dev.collimate.random;
