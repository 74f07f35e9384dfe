package dev.collimate.objective;

import dev.collimate.text.FurtherSequence;
import dev.collimate.text.NumberColumn;
import dev.collimate.text.RowShape;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What an objective reads, in the words of the guide.
 *
 * @param rows the kind of row and its columns
 * @param columns those beside, such as {@code rm_margin} or {@code margin, optional}
 * @param reference what is read of the reference model
 */
public record ObjectiveInputs(String rows, List<String> columns, ReferenceUse reference) {

  private static final Set<String> PAIR = Set.of("prompt", "chosen", "rejected");

  private static final Set<String> PROMPT = Set.of("prompt");

  public ObjectiveInputs {
    columns = List.copyOf(columns);
  }

  static ObjectiveInputs of(Declaration declaration) {
    Set<String> columns = new LinkedHashSet<>();
    for (NumberColumn column : declaration.columns().numbers()) {
      String list = column.length() > 1 ? " (lists of numbers)" : "";
      columns.add(code(column.name()) + list + (column.isRequired() ? "" : ", optional"));
    }
    declaration
        .columns()
        .marks()
        .forEach(marks -> columns.add(code(marks.column()) + " (lists of spans), optional"));
    declaration.columns().categories().forEach(name -> columns.add(code(name) + " (a name)"));
    for (FurtherSequence sequence : declaration.columns().sequences()) {
      List<String> names = new ArrayList<>(sequence.promptColumns());
      // The shape has said already where the answers of a list stand.
      if (!sequence.isPromptAlone() && declaration.shape() != RowShape.RANKED) {
        names.add(sequence.completion());
      }
      Set<String> said = declaration.isOnline() ? PROMPT : PAIR;
      names.stream().filter(name -> !said.contains(name)).forEach(n -> columns.add(code(n)));
    }
    return new ObjectiveInputs(
        rows(declaration.shape()), List.copyOf(columns), declaration.reference());
  }

  private static String rows(RowShape shape) {
    return switch (shape) {
      case DEMONSTRATION -> "demonstrations: `prompt` and `completion`, `messages`, or `text`";
      case PREFERENCE -> "pairs: `prompt`, `chosen`, `rejected`";
      case TRIPLE -> "pairs with an answer to imitate: `prompt`, `chosen`, `rejected`, `reference`";
      case REWARD -> "pairs, for a reward model: `prompt`, `chosen`, `rejected`";
      case RANKED -> "ranked answers, for a reward model: `prompt`, `responses` (lists)";
      case SCORED -> "texts to score: `prompt` and `completion`, `messages`, or `text`";
      case UNPAIRED -> "judged completions: `prompt`, `completion`, `label`; or pairs";
      case PROMPT -> "prompts: `prompt`";
    };
  }

  private static String code(String name) {
    return "`" + name + "`";
  }

  /** What of it the other does not read in the same way, a phrase each. */
  public List<String> unlike(ObjectiveInputs other) {
    List<String> phrases = new ArrayList<>();
    if (!rows.equals(other.rows)) {
      phrases.add(rows);
    }
    columns.stream().filter(c -> !other.columns.contains(c)).forEach(c -> phrases.add("also " + c));
    other.columns.stream().filter(c -> !columns.contains(c)).forEach(c -> phrases.add("not " + c));
    if (reference != other.reference) {
      phrases.add(ofReference());
    }
    return phrases;
  }

  /** What is read of the reference model, in words. */
  public String ofReference() {
    return switch (reference) {
      case NONE -> "no reference model";
      case SUMS -> "the reference model's log-probability of every sequence";
      case TOKENS -> "the reference model's log-probability of every token";
    };
  }
}
