package dev.collimate.text.jinja;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Where statements write: the rendering itself, or a text that a macro or block keeps. */
final class Output {

  private final StringBuilder text = new StringBuilder();
  private final boolean isRendering;
  private final List<Part> generated = new ArrayList<>();

  /** A part of the text in UTF-16 units. */
  private record Part(int start, int end) {}

  private Output(boolean isRendering) {
    this.isRendering = isRendering;
  }

  static Output rendering() {
    return new Output(/* isRendering= */ true);
  }

  /** A text kept for later: where its generated parts will stand is not known. */
  static Output kept() {
    return new Output(/* isRendering= */ false);
  }

  void write(String part) {
    PythonText.checkLength((long) text.length() + part.length());
    text.append(part);
  }

  int position() {
    return text.length();
  }

  /** Marks what was written since a position as generated, where its place is known. */
  void markGenerated(int from, Run run) {
    if (isRendering) {
      generated.add(new Part(from, text.length()));
    } else {
      run.hideMarkers();
    }
  }

  /** The generated parts, in the order of their starts. */
  List<Rendering.Span> generated() {
    List<Part> inOrder = new ArrayList<>(generated);
    inOrder.sort(Comparator.comparingInt(Part::start));
    List<Rendering.Span> spans = new ArrayList<>(inOrder.size());
    int position = 0;
    int codePoints = 0;
    for (Part part : inOrder) {
      codePoints += Character.codePointCount(text, position, part.start());
      position = part.start();
      int length = Character.codePointCount(text, part.start(), part.end());
      spans.add(new Rendering.Span(codePoints, codePoints + length));
    }
    return spans;
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
