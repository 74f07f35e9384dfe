/**
 * What becomes of a rollout's numbers on the driver: advantages, returns, filters and the choice of
 * prompts. Pure functions of plain numbers; nothing here knows a model or an objective.
 */
package dev.collimate.online;
