package dev.collimate.text;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes two judged completions of a pair, as TRL does for objectives on single completions. */
final class Unpairing {

  private static final List<String> SIDES = List.of("chosen", "rejected");
  private static final String IDS = "_input_ids";

  private Unpairing() {}

  /**
   * One of the two rows.
   *
   * @param suffix what it adds to the pair's key
   * @param columns {@code prompt}, {@code completion} and {@code label}, or their token ids, and
   *     what the pair has beside
   */
  record Half(String suffix, Map<String, Object> columns) {}

  /** Whether a row is a pair and no judged completion. */
  static boolean isPair(RowReader row) {
    return !row.has("completion")
        && !row.has("completion" + IDS)
        && SIDES.stream().anyMatch(side -> row.has(side) || row.has(side + IDS));
  }

  /** The chosen side as a desirable row, then the rejected side as an undesirable one. */
  static List<Half> of(RowReader row, Map<String, ?> columns) throws Refusal {
    boolean isTokenized = row.has("chosen" + IDS) || row.has("rejected" + IDS);
    String ending = isTokenized ? IDS : "";
    for (String side : SIDES) {
      if (!row.has(side + ending)) {
        throw new Refusal(
            Refusal.MISSING_COLUMN,
            "column '%s' is missing or null; the row has %s"
                .formatted(side + ending, row.present()));
      }
    }
    Map<String, Object> shared = new HashMap<>(columns);
    List.of("id", "chosen", "rejected", "chosen" + IDS, "rejected" + IDS).forEach(shared::remove);
    List<Object> completions =
        new ArrayList<>(List.of(columns.get("chosen" + ending), columns.get("rejected" + ending)));
    if (!isTokenized && !row.has("prompt")) {
      shared.put("prompt", splitPrompt(row, completions));
    }
    List<Half> halves = new ArrayList<>();
    for (int side = 0; side < completions.size(); side++) {
      Map<String, Object> half = new HashMap<>(shared);
      half.put("completion" + ending, completions.get(side));
      half.put("label", side == 0);
      halves.add(new Half("#" + SIDES.get(side), half));
    }
    return halves;
  }

  /** Takes what both sides begin with off them. */
  private static Object splitPrompt(RowReader row, List<Object> completions) throws Refusal {
    if (row.isConversation("chosen")) {
      List<Map<String, Object>> chosen = row.conversation("chosen");
      List<Map<String, Object>> rejected = row.conversation("rejected");
      int split = ImplicitPrompt.split(chosen, rejected);
      completions.set(0, chosen.subList(split, chosen.size()));
      completions.set(1, rejected.subList(split, rejected.size()));
      return chosen.subList(0, split);
    }
    String chosen = row.text("chosen");
    String rejected = row.text("rejected");
    int split = ImplicitPrompt.split(chosen, rejected);
    completions.set(0, chosen.substring(split));
    completions.set(1, rejected.substring(split));
    return chosen.substring(0, split);
  }
}
