package dev.collimate.reward;

/** A judge gave no score; the message says why. */
final class JudgeException extends RuntimeException {

  JudgeException(String message) {
    super(message);
  }
}
