package dev.collimate.quickstart;

import java.io.Serializable;

/**
 * The addition of two two-digit numbers, worked digit by digit. The one fault that demonstrations
 * make is to forget the carry.
 */
record Addition(int left, int right) implements Serializable {

  Addition {
    if (left < 10 || left > 99 || right < 10 || right > 99) {
      throw new IllegalArgumentException(
          "both numbers have two digits, got " + left + " and " + right);
    }
  }

  /** {@code "47+38="}. */
  String prompt() {
    return left + "+" + right + "=";
  }

  /** Whether the units carry, so that the fault can be made. */
  boolean carries() {
    return units() >= 10;
  }

  /** The right answer with its working: {@code "7+8=15;4+3+1=8;85"}. */
  String worked() {
    return working(units() / 10);
  }

  /** The answer of somebody who forgets the carry: {@code "7+8=15;4+3+0=7;75"}. */
  String faulty() {
    return working(0);
  }

  /** Whether a completion ends with the right sum. */
  boolean isSolvedBy(String completion) {
    int last = completion.lastIndexOf(';');
    return completion.substring(last + 1).equals(Integer.toString(sum()));
  }

  int sum() {
    return left + right;
  }

  private int units() {
    return left % 10 + right % 10;
  }

  private String working(int carry) {
    int tens = left / 10 + right / 10 + carry;
    return "%d+%d=%d;%d+%d+%d=%d;%d%d"
        .formatted(
            left % 10, right % 10, units(), left / 10, right / 10, carry, tens, tens, units() % 10);
  }
}
