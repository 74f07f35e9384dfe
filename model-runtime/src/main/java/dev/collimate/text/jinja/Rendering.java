package dev.collimate.text.jinja;

import java.util.List;

/**
 * A rendered template.
 *
 * @param text what the template wrote
 * @param generated the parts between generation markers, in order
 * @param hasHiddenMarkers whether there were generation markers inside a macro, set or call block,
 *     whose place in the text is not known
 * @param isTimeDependent whether the template asked for the time
 */
public record Rendering(
    String text, List<Span> generated, boolean hasHiddenMarkers, boolean isTimeDependent) {

  /** A part of a text: first code point and one past the last. */
  public record Span(int start, int end) {}

  public Rendering {
    generated = List.copyOf(generated);
  }
}
