package dev.collimate.checkpoint;

import dev.collimate.Fixtures;
import dev.collimate.files.Folder;
import dev.collimate.files.LocalFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The models of the fixtures folder; a test that asks for them is skipped where there is none. */
final class ModelFixtures {

  private ModelFixtures() {}

  static Path models() {
    return Fixtures.path("models");
  }

  static Folder model(String name) {
    return LocalFolder.existing(models().resolve(name));
  }

  /** Folders of supported models, the reference models inside them included. */
  static List<String> supportedModels() throws IOException {
    Path root = models();
    try (Stream<Path> files = Files.walk(root, 3)) {
      return files
          .filter(file -> file.endsWith("config.json"))
          .map(Path::getParent)
          .filter(Fixtures::isSupported)
          .map(model -> root.relativize(model).toString())
          .sorted()
          .toList();
    }
  }

  /** Model folders that have a file, or a folder, of this name. */
  static List<String> modelsWith(String name) throws IOException {
    try (Stream<Path> folders = Files.list(models())) {
      return folders
          .filter(folder -> Files.exists(folder.resolve(name)))
          .map(folder -> folder.getFileName().toString())
          .sorted()
          .toList();
    }
  }
}
