package dev.collimate.planted;

import java.util.List;
import java.util.Map;

/**
 * The rows of a scenario.
 *
 * @param world what is true of them
 * @param pairs rows for objectives on pairs, with every further column that any of them reads
 * @param singles rows for objectives on single completions; where there are none, those that learn
 *     from judged completions get the sides of the pairs
 * @param lists rows for objectives on ranked answers
 * @param unseen what is held out, as rows; only where a measure is read off rows
 * @param labelled the pairs, as they are labelled
 * @param heldOut unseen answers, as they are in truth
 */
record Planted(
    World world,
    List<Map<String, Object>> pairs,
    List<Map<String, Object>> singles,
    List<Map<String, Object>> lists,
    List<Map<String, Object>> unseen,
    List<Judged> labelled,
    List<Judged> heldOut) {}
