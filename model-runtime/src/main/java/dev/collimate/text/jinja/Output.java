package dev.collimate.text.jinja;

import java.util.ArrayList;
import java.util.List;

/** Where statements write: the rendering itself, or a text that a macro or block keeps. */
final class Output {

  private final StringBuilder text = new StringBuilder();
  private final List<Rendering.Span> generated;
  private int countedTo;
  private int codePoints;

  private Output(List<Rendering.Span> generated) {
    this.generated = generated;
  }

  static Output rendering() {
    return new Output(new ArrayList<>());
  }

  /** A text kept for later: where its generated parts will stand is not known. */
  static Output kept() {
    return new Output(null);
  }

  void write(String part) {
    PythonText.checkLength((long) text.length() + part.length());
    text.append(part);
  }

  int position() {
    return text.length();
  }

  /** Marks what was written since a position as generated. */
  void markGenerated(int from) {
    if (generated == null) {
      throw new TemplateException(
          "generation markers inside a macro, set or call block are not supported");
    }
    int start = codePointsTo(from);
    generated.add(new Rendering.Span(start, codePointsTo(text.length())));
  }

  /** Positions only grow, so each character is counted once. */
  private int codePointsTo(int position) {
    codePoints += Character.codePointCount(text, countedTo, position);
    countedTo = position;
    return codePoints;
  }

  List<Rendering.Span> generated() {
    return generated;
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
