package dev.collimate.reward;

import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A text with places for a row: {@code {prompt}}, {@code {completion}}, and {@code {name}} for a
 * column.
 */
record JudgePrompt(String template) {

  private static final Pattern PLACE = Pattern.compile("\\{([A-Za-z_][A-Za-z0-9_]*)\\}");

  private static final Set<String> OF_EVERY_ROW = Set.of("prompt", "completion");

  /** The columns that it names. */
  List<String> columns() {
    return places().stream().filter(place -> !OF_EVERY_ROW.contains(place)).toList();
  }

  /** Every name it has a place for. */
  List<String> places() {
    return PLACE.matcher(template).results().map(found -> found.group(1)).distinct().toList();
  }

  /** With the row's texts in their places; what the row has not is empty. */
  String of(RewardBatch batch, int row) {
    return PLACE
        .matcher(template)
        .replaceAll(found -> Matcher.quoteReplacement(value(found, batch, row)));
  }

  private static String value(MatchResult found, RewardBatch batch, int row) {
    return switch (found.group(1)) {
      case "prompt" -> batch.prompts().get(row);
      case "completion" -> batch.completions().get(row);
      default -> batch.column(found.group(1), row).orElse("");
    };
  }
}
