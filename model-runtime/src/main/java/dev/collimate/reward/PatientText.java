package dev.collimate.reward;

import java.util.concurrent.CancellationException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A text on which a regular expression that runs away can be interrupted; the JDK's own search
 * cannot.
 */
record PatientText(CharSequence text) implements CharSequence {

  /** A search of a text. */
  static Matcher matcher(Pattern pattern, CharSequence text) {
    return pattern.matcher(new PatientText(text));
  }

  @Override
  public char charAt(int index) {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("the search was interrupted");
    }
    return text.charAt(index);
  }

  @Override
  public int length() {
    return text.length();
  }

  @Override
  public CharSequence subSequence(int start, int end) {
    return new PatientText(text.subSequence(start, end));
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
