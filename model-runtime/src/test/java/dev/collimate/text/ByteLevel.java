package dev.collimate.text;

import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** The tokenizer with one token per byte, for a class of tests. */
final class ByteLevel implements BeforeAllCallback, AfterAllCallback {

  private Tokenizer tokenizer;

  Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public void beforeAll(ExtensionContext context) throws IOException {
    Path directory = Files.createTempDirectory("byte-level");
    ByteLevelTokenizer.write(new LocalFolderSink(directory));
    tokenizer = Tokenizer.load(LocalFolder.existing(directory));
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }

  @Override
  public void afterAll(ExtensionContext context) {
    tokenizer.close();
  }
}
