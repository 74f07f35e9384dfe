package dev.collimate.text.jinja;

/**
 * What a name or attribute stands for that does not exist: empty as text, false as a condition, and
 * an error in any other use.
 *
 * @param message the error's text
 */
record Undefined(String message) {

  TemplateException failure() {
    return new TemplateException(message);
  }
}
