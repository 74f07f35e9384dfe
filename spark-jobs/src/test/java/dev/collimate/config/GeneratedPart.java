package dev.collimate.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The part of a page that a test writes from the code, between two comments.
 *
 * @param what name of the part, in the comments
 * @param test the one that writes it
 */
record GeneratedPart(Path page, String what, Class<?> test) {

  /** The head of a table of keys. */
  static final String KEYS = "| key | value | default | |\n| --- | --- | --- | --- |\n";

  /** A folder of the repository. */
  static Path folder(String name) {
    return Path.of(System.getProperty("basedir", ".")).resolve("..").resolve(name).normalize();
  }

  /** With {@code -Dcollimate.write=true} the part is written instead of compared. */
  void mustBe(String expected) throws IOException {
    String text = Files.readString(page);
    String first = "<!-- %s: made by %s -->\n".formatted(what, test.getSimpleName());
    String last = "<!-- end of %s -->".formatted(what);
    assertThat(text).as(page.toString()).contains(first, last);
    int begin = text.indexOf(first) + first.length();
    int end = text.indexOf(last);
    if (Boolean.getBoolean("collimate.write")) {
      Files.writeString(page, text.substring(0, begin) + expected + text.substring(end));
      return;
    }
    assertThat(text.substring(begin, end))
        .as("%s; run %s with -Dcollimate.write=true to bring it up to date", page, test)
        .isEqualTo(expected);
  }
}
