package dev.collimate;

import java.io.Serializable;
import java.util.List;

/** Bounds of a number, written as in the message: {@code ">= 0 and < 1"}; empty for none. */
public record Range(String text) implements Serializable {

  public boolean holds(double value) {
    return text.isEmpty()
        || List.of(text.split(" and ", -1)).stream().allMatch(b -> holds(b, value));
  }

  private static boolean holds(String bound, double value) {
    String[] parts = bound.split(" ", 2);
    double limit = Double.parseDouble(parts[1]);
    return switch (parts[0]) {
      case ">" -> value > limit;
      case ">=" -> value >= limit;
      case "<" -> value < limit;
      case "<=" -> value <= limit;
      default -> throw new IllegalArgumentException("no such bound: '" + bound + "'");
    };
  }
}
