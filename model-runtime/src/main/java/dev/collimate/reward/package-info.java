/**
 * Rewards of completions: what comes with Collimate, what a user's jar brings, and how several are
 * asked with time limits, so that a failure costs its row alone.
 */
package dev.collimate.reward;
