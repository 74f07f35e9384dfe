/** Preference and RL losses: pure functions of log-probabilities and rewards. */
package dev.collimate.objective;
