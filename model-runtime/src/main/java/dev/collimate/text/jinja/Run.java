package dev.collimate.text.jinja;

import java.time.LocalDateTime;
import java.util.Collection;

/** One rendering under way: its clock, and the limits that end a runaway template. */
final class Run {

  /** Steps of the interpreter; the longest real conversations need some ten thousand. */
  private static final long MAX_STEPS = 20_000_000;

  private static final int MAX_DEPTH = 200;

  private final LocalDateTime now;
  private boolean isTimeDependent;
  private boolean hasHiddenMarkers;
  private long steps;
  private int depth;
  private int line;

  Run(LocalDateTime now) {
    this.now = now;
  }

  /** Counts work: a node evaluated, an item walked, a stretch of text built. */
  void charge(long work) {
    steps += work;
    if (steps > MAX_STEPS) {
      throw new TemplateException("the template does not end within %d steps".formatted(MAX_STEPS));
    }
  }

  /** Charges for the size of a value that a call or filter has made or is given. */
  void chargeSize(Object value) {
    if (value instanceof String text) {
      charge(text.length() >> 6);
    } else if (value instanceof Collection<?> items) {
      charge(items.size());
    }
  }

  void enter() {
    if (++depth > MAX_DEPTH) {
      throw new TemplateException("macros call each other more than %d deep".formatted(MAX_DEPTH));
    }
  }

  void leave() {
    depth--;
  }

  void at(int statementLine) {
    line = statementLine;
  }

  int line() {
    return line;
  }

  /** Generation markers stand in a text that was kept for later. */
  void hideMarkers() {
    hasHiddenMarkers = true;
  }

  boolean hasHiddenMarkers() {
    return hasHiddenMarkers;
  }

  LocalDateTime now() {
    isTimeDependent = true;
    return now;
  }

  boolean isTimeDependent() {
    return isTimeDependent;
  }
}
