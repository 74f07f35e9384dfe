package dev.collimate.checkpoint;

import dev.collimate.files.Folder;
import dev.collimate.files.LocalFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** The models of the fixtures folder: property collimate.fixtures, or COLLIMATE_FIXTURES. */
final class ModelFixtures {

  private ModelFixtures() {}

  /** The folder of models; a test that asks for it is skipped where there is none. */
  static Path models() {
    String root =
        Optional.ofNullable(System.getProperty("collimate.fixtures"))
            .or(() -> Optional.ofNullable(System.getenv("COLLIMATE_FIXTURES")))
            .filter(path -> !path.isBlank())
            .orElse("");
    Path models = Path.of(root, "models");
    Assumptions.assumeTrue(
        !root.isEmpty() && Files.isDirectory(models),
        "no fixtures: set collimate.fixtures or COLLIMATE_FIXTURES to their folder");
    return models;
  }

  static Folder model(String name) {
    return LocalFolder.existing(models().resolve(name));
  }

  /** Model folders that describe a causal model, the reference models inside them included. */
  static List<String> causalModels() throws IOException {
    Path root = models();
    try (Stream<Path> files = Files.walk(root, 3)) {
      return files
          .filter(file -> file.endsWith("config.json"))
          .map(file -> root.relativize(file.getParent()).toString())
          .filter(name -> !name.contains("reward"))
          .sorted()
          .toList();
    }
  }
}
