package dev.collimate.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PublicationTest {

  private static final String SHA256_OF_ABC =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  @TempDir private java.nio.file.Path folder;

  @Test
  void theDirectoryAppearsOnCommitWithItsLastFileListingTheOthers() throws IOException {
    java.nio.file.Path target = folder.resolve("model");
    try (Publication publication = open(target, () -> {})) {
      write(publication, "b.bin", "abc");
      write(publication, "a.bin", "");
      assertThat(target).doesNotExist();
      publication.commit("manifest.json", files -> files.toString().getBytes(UTF_8));
    }
    assertThat(names(target)).containsExactly("a.bin", "b.bin", "manifest.json");
    assertThat(target.resolve("manifest.json"))
        .content()
        .contains("name=b.bin, bytes=3, sha256=" + SHA256_OF_ABC);
    assertThat(names(folder)).containsExactly("model");
  }

  @Test
  void nothingIsLeftWhenAFailureComesBeforeTheCommit() throws IOException {
    try (Publication publication = open(folder.resolve("model"), () -> {})) {
      write(publication, "a.bin", "abc");
    }
    assertThat(names(folder)).isEmpty();
  }

  @Test
  void aRemnantWithoutItsLastFileIsReplacedNotNestedInto() throws IOException {
    java.nio.file.Path target = Files.createDirectory(folder.resolve("model"));
    Files.writeString(target.resolve("half"), "x");
    try (Publication publication = open(target, () -> {})) {
      publication.commit("manifest.json", files -> new byte[0]);
    }
    assertThat(names(target)).containsExactly("manifest.json");
  }

  @Test
  void aCompleteDirectoryIsNeverOverwritten() throws IOException {
    java.nio.file.Path target = Files.createDirectory(folder.resolve("model"));
    Files.writeString(target.resolve("manifest.json"), "old");
    try (Publication publication = open(target, () -> {})) {
      assertThatThrownBy(() -> publication.commit("manifest.json", files -> new byte[0]))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("is already complete; it is never overwritten");
    }
    assertThat(target.resolve("manifest.json")).content().isEqualTo("old");
  }

  @Test
  void aDriverThatLostTheRunPublishesNothing() throws IOException {
    Runnable lost =
        () -> {
          throw CollimateException.resources("lost");
        };
    try (Publication publication = open(folder.resolve("model"), lost)) {
      assertThatThrownBy(() -> publication.commit("manifest.json", files -> new byte[0]))
          .hasMessage("lost");
    }
    assertThat(names(folder)).isEmpty();
  }

  private static Publication open(java.nio.file.Path target, Runnable ownership)
      throws IOException {
    return new Publication(new Path(target.toUri()), new Configuration(), ownership);
  }

  private static void write(Publication publication, String name, String content)
      throws IOException {
    try (OutputStream out = publication.create(name)) {
      out.write(content.getBytes(UTF_8));
    }
  }

  private static List<String> names(java.nio.file.Path directory) throws IOException {
    try (var paths = Files.list(directory)) {
      return paths.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }
}
