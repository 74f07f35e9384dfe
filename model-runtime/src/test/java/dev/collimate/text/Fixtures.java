package dev.collimate.text;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.files.LocalFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The folder of expected results that other people's code made. */
final class Fixtures {

  private static final ObjectMapper MAPPER = new ObjectMapper();

  private Fixtures() {}

  /** A path in the fixtures folder; the test is skipped, saying so, where the folder is missing. */
  static Path path(String relative) {
    String root = System.getProperty("collimate.fixtures", System.getenv("COLLIMATE_FIXTURES"));
    assumeTrue(
        root != null && Files.isDirectory(Path.of(root)),
        "skipped: no fixtures folder; set collimate.fixtures or COLLIMATE_FIXTURES");
    return Path.of(root).resolve(relative);
  }

  static JsonNode json(String relative) throws IOException {
    return MAPPER.readTree(Files.readAllBytes(path(relative)));
  }

  static Tokenizer tokenizer(String name) throws IOException {
    return Tokenizer.load(LocalFolder.existing(path("tokenizers").resolve(name)));
  }

  static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).asInt();
    }
    return values;
  }
}
