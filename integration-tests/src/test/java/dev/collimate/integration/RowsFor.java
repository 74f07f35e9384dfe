package dev.collimate.integration;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.objective.Declaration;
import dev.collimate.text.FurtherSequence;
import dev.collimate.text.NumberColumn;
import dev.collimate.text.RowShape;
import dev.collimate.text.TokenMarks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.DoubleStream;

/** Rows of exactly the columns that an objective declares, with texts of unequal lengths. */
final class RowsFor {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern COLUMN = Pattern.compile("\\{(\\w+)\\}");
  private static final List<String> CATEGORIES = List.of("few", "many", "many");

  private final SplittableRandom random = new SplittableRandom(11);
  private final Declaration objective;

  private RowsFor(Declaration objective) {
    this.objective = objective;
  }

  static void write(Declaration objective, int count, Path file) throws IOException {
    RowsFor rows = new RowsFor(objective);
    List<String> lines = new ArrayList<>();
    for (int row = 0; row < count; row++) {
      lines.add(JSON.writeValueAsString(rows.next()));
    }
    Files.write(file, lines);
  }

  private Map<String, Object> next() {
    Map<String, Object> row = new TreeMap<>();
    for (String column : texts(objective.shape())) {
      row.put(column, text());
    }
    List<FurtherSequence> sequences = objective.columns().sequences();
    if (objective.shape() == RowShape.RANKED) {
      row.put("responses", sequences.stream().map(sequence -> text()).toList());
      sequences = List.of();
    }
    for (FurtherSequence sequence : sequences) {
      Matcher columns = COLUMN.matcher(sequence.prompt() + "{" + sequence.completion() + "}");
      while (columns.find()) {
        row.computeIfAbsent(columns.group(1), column -> text());
      }
    }
    for (NumberColumn column : objective.columns().numbers()) {
      row.put(
          column.name(),
          column.length() == 1
              ? number(column)
              : DoubleStream.generate(() -> number(column)).limit(column.length()).toArray());
    }
    for (TokenMarks marks : objective.columns().marks()) {
      // Every text has at least three characters.
      int start = random.nextInt(2);
      row.put(marks.column(), List.of(List.of(start, start + 1), List.of(1, 3, 0.5)));
    }
    for (String column : objective.columns().categories()) {
      row.put(column, CATEGORIES.get(random.nextInt(CATEGORIES.size())));
    }
    return row;
  }

  /** Judged completions are made of pairs. */
  private static List<String> texts(RowShape shape) {
    return switch (shape) {
      case DEMONSTRATION -> List.of("prompt", "completion");
      case PREFERENCE, REWARD, UNPAIRED -> List.of("prompt", "chosen", "rejected");
      case TRIPLE -> List.of("prompt", "chosen", "rejected", "reference");
      case SCORED -> List.of("completion");
      case RANKED, PROMPT -> List.of("prompt");
    };
  }

  private String text() {
    StringBuilder text = new StringBuilder();
    for (int length = random.nextInt(3, 16); length > 0; length--) {
      text.append((char) ('a' + random.nextInt(26)));
    }
    return text.toString();
  }

  /** A share where the column may hold one, else the nearest kind of number that it may. */
  private double number(NumberColumn column) {
    double share = random.nextDouble(0.1, 0.9);
    return DoubleStream.of(share, -share, 1 + share)
        .filter(column.range()::holds)
        .findFirst()
        .orElseThrow(() -> new AssertionError("no number for " + column));
  }
}
