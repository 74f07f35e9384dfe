package dev.collimate.text.jinja;

/** A template that cannot be parsed, or that failed on a conversation. */
public final class TemplateException extends RuntimeException {

  private final boolean raisedByTemplate;

  private TemplateException(String message, boolean raisedByTemplate) {
    super(message);
    this.raisedByTemplate = raisedByTemplate;
  }

  TemplateException(String message) {
    this(message, /* raisedByTemplate= */ false);
  }

  static TemplateException at(int line, String message) {
    return new TemplateException("line " + line + ": " + message);
  }

  /** The template called {@code raise_exception}. */
  static TemplateException raised(String message) {
    return new TemplateException(message, /* raisedByTemplate= */ true);
  }

  /** Whether the template itself called {@code raise_exception}; the message is then its own. */
  public boolean isRaisedByTemplate() {
    return raisedByTemplate;
  }
}
