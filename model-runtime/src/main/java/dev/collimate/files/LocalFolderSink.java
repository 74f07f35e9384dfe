package dev.collimate.files;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Writes into a local directory, which is created with the first file. */
public record LocalFolderSink(Path directory) implements FolderSink {

  private static final int BUFFER_BYTES = 1 << 16;

  @Override
  public String location() {
    return directory.toString();
  }

  @Override
  public OutputStream create(String name) throws IOException {
    Files.createDirectories(directory);
    return new BufferedOutputStream(
        Files.newOutputStream(
            directory.resolve(name), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
        BUFFER_BYTES);
  }
}
