package org.example.reward;

import dev.collimate.objective.ObjectiveOption;
import dev.collimate.reward.RewardBatch;
import dev.collimate.reward.RewardFunction;
import dev.collimate.reward.RewardProvider;
import dev.collimate.reward.RewardSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** A reward of a user's own: how much of a column's words a completion says. */
public final class WordShare implements RewardProvider {

  @Override
  public RewardSpec spec() {
    return RewardSpec.of(
            "word_share",
            "The share of the column's words that the completion contains; it does not apply to"
                + " rows without such words.",
            "Own",
            List.of(
                ObjectiveOption.text("column", "answer", "The column with the words."),
                ObjectiveOption.flag(
                    "ignore_case", true, "Whether capital letters are small ones.")),
            options -> new Shares(options.text("column"), options.flag("ignore_case")))
        .withColumns(options -> List.of(options.text("column")));
  }

  private record Shares(String column, boolean ignoreCase) implements RewardFunction {

    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
      List<OptionalDouble> shares = new ArrayList<>();
      for (int row = 0; row < batch.size(); row++) {
        List<String> said = words(batch.completions().get(row));
        List<String> wanted = words(batch.column(column, row).orElse(""));
        shares.add(wanted.stream().mapToInt(word -> said.contains(word) ? 1 : 0).average());
      }
      return shares;
    }

    private List<String> words(String text) {
      String stripped = (ignoreCase ? text.toLowerCase(Locale.ROOT) : text).strip();
      return stripped.isEmpty() ? List.of() : List.of(stripped.split("\\s+", -1));
    }
  }
}
