package dev.collimate.inference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.config.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Files of rows in a test's folder. */
record RowFiles(Path folder) {

  private static final ObjectMapper JSON = new ObjectMapper();

  Source write(String name, String lines) throws IOException {
    Files.writeString(folder.resolve(name), lines);
    return source(name);
  }

  Source source(String name) {
    return new Source(
        Optional.of(path(name)), Optional.empty(), Optional.empty(), Map.of(), List.of());
  }

  String path(String name) {
    return folder.resolve(name).toString();
  }

  List<JsonNode> read(String name) throws IOException {
    List<JsonNode> rows = new ArrayList<>();
    for (String line : Files.readAllLines(folder.resolve(name))) {
      rows.add(JSON.readTree(line));
    }
    return rows;
  }
}
