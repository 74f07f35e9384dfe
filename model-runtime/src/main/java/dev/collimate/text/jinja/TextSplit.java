package dev.collimate.text.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Python's {@code split} and {@code rsplit}. */
final class TextSplit {

  private TextSplit() {}

  /**
   * Splits a text.
   *
   * @param separator a string, or None for runs of blanks
   * @param most the greatest number of cuts; negative: no limit
   * @param fromEnd whether cuts are counted from the end
   */
  static List<String> split(String text, Object separator, long most, boolean fromEnd) {
    if (separator == null) {
      return fromEnd ? blanksFromEnd(text, most) : blanks(text, most);
    }
    String cut = Values.string(separator, "split()");
    if (cut.isEmpty()) {
      throw new TemplateException("empty separator");
    }
    return fromEnd ? cutsFromEnd(text, cut, most) : cuts(text, cut, most);
  }

  private static List<String> cuts(String text, String cut, long most) {
    List<String> parts = new ArrayList<>();
    int start = 0;
    for (int at = text.indexOf(cut);
        at >= 0 && parts.size() != most;
        at = text.indexOf(cut, start)) {
      parts.add(text.substring(start, at));
      start = at + cut.length();
    }
    parts.add(text.substring(start));
    return parts;
  }

  private static List<String> cutsFromEnd(String text, String cut, long most) {
    List<String> parts = new ArrayList<>();
    int end = text.length();
    int at = text.lastIndexOf(cut);
    while (at >= 0 && parts.size() != most) {
      parts.add(text.substring(at + cut.length(), end));
      end = at;
      at = text.lastIndexOf(cut, end - cut.length());
    }
    parts.add(text.substring(0, end));
    Collections.reverse(parts);
    return parts;
  }

  private static List<String> blanks(String text, long most) {
    List<String> parts = new ArrayList<>();
    String rest = PythonText.stripStart(text);
    while (!rest.isEmpty() && parts.size() != most) {
      int end = 0;
      while (end < rest.length() && !PythonText.isSpace(rest.charAt(end))) {
        end++;
      }
      parts.add(rest.substring(0, end));
      rest = PythonText.stripStart(rest.substring(end));
    }
    if (!rest.isEmpty()) {
      parts.add(rest);
    }
    return parts;
  }

  private static List<String> blanksFromEnd(String text, long most) {
    List<String> parts = new ArrayList<>();
    String rest = PythonText.stripEnd(text);
    while (!rest.isEmpty() && parts.size() != most) {
      int start = rest.length();
      while (start > 0 && !PythonText.isSpace(rest.charAt(start - 1))) {
        start--;
      }
      parts.add(rest.substring(start));
      rest = PythonText.stripEnd(rest.substring(0, start));
    }
    if (!rest.isEmpty()) {
      parts.add(rest);
    }
    Collections.reverse(parts);
    return parts;
  }
}
