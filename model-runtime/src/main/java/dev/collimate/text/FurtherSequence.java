package dev.collimate.text;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A token sequence that an objective reads beside those of the {@link RowShape}: a completion after
 * a prompt of its own, tokenized and cut by the same rules.
 *
 * @param role of the sequence
 * @param prompt text in which columns stand in braces, such as {@code "{prompt}"}. A column that is
 *     all of it is taken as it is, a string or a conversation. In a longer text the columns stand
 *     as text; where one of them is a conversation, the text is a user's message
 * @param completion column of the completion, a string or a conversation; empty where the prompt
 *     alone is the sequence, as something is read at its end
 */
public record FurtherSequence(String role, String prompt, String completion)
    implements Serializable {

  private static final Pattern COLUMN = Pattern.compile("\\{(\\w+)\\}");
  private static final String IDS = "_input_ids";

  /** The columns of the prompt, in the order in which they stand there. */
  public List<String> promptColumns() {
    List<String> columns = new ArrayList<>();
    Matcher matcher = COLUMN.matcher(prompt);
    while (matcher.find()) {
      columns.add(matcher.group(1));
    }
    return columns;
  }

  /** Whether the prompt is one column as it is. */
  boolean isColumn() {
    return COLUMN.matcher(prompt).matches();
  }

  /** The column of tokenized rows that holds the prompt's ids. */
  String promptIds() {
    return (isColumn() ? promptColumns().get(0) : role + "_prompt") + IDS;
  }

  /** The column of tokenized rows that holds the completion's ids. */
  String completionIds() {
    return completion + IDS;
  }

  /** Whether nothing follows the prompt. */
  public boolean isPromptAlone() {
    return completion.isEmpty();
  }

  /** All columns that it may read. */
  List<String> columns() {
    List<String> columns = promptColumns();
    columns.addAll(
        isPromptAlone() ? List.of(promptIds()) : List.of(completion, promptIds(), completionIds()));
    return columns;
  }

  /** What a column of the prompt holds. */
  @FunctionalInterface
  interface ColumnText {
    String of(String column) throws Refusal;
  }

  /** The prompt with its columns as text. */
  String filled(ColumnText text) throws Refusal {
    StringBuilder filled = new StringBuilder();
    Matcher matcher = COLUMN.matcher(prompt);
    int end = 0;
    while (matcher.find()) {
      filled.append(prompt, end, matcher.start()).append(text.of(matcher.group(1)));
      end = matcher.end();
    }
    return filled.append(prompt, end, prompt.length()).toString();
  }
}
