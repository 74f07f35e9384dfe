package dev.collimate.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PublicationTest {

  private static final String SHA256_OF_ABC =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  private static final String LAST = "manifest.json";

  private final Configuration configuration = ObjectStore.configuration();

  @TempDir private java.nio.file.Path folder;

  @Test
  void theDirectoryAppearsOnCommitWithItsLastFileListingTheOthers() throws IOException {
    java.nio.file.Path target = folder.resolve("model");
    try (Publication publication = open("file", () -> {})) {
      write(publication, "b.bin", "abc");
      write(publication, "a.bin", "");
      assertThat(target).doesNotExist();
      publication.commit(files -> files.toString().getBytes(UTF_8));
    }
    assertThat(names(target)).containsExactly("a.bin", "b.bin", LAST);
    assertThat(target.resolve(LAST))
        .content()
        .contains("name=b.bin, bytes=3, sha256=" + SHA256_OF_ABC);
    assertThat(names(folder)).containsExactly("model");
  }

  @Test
  void whereNothingRenamesTheLastFileAppearsLast() throws IOException {
    java.nio.file.Path target = folder.resolve("model");
    try (Publication publication = open(ObjectStore.UNKNOWN, () -> {})) {
      write(publication, "z.bin", "abc");
      assertThat(names(target)).containsExactly("z.bin");
      publication.commit(files -> files.toString().getBytes(UTF_8));
    }
    assertThat(names(target)).containsExactly(LAST, "z.bin");
    assertThat(names(folder)).containsExactly("model");
  }

  /** {@code manifest.json} is the first name, and so the first that a copying rename brings. */
  @Test
  void whereARenameCopiesTheLastFileArrivesLast() throws IOException {
    configuration.setInt(ObjectStore.RENAME_FAILS_AFTER, 1);
    java.nio.file.Path target = folder.resolve("model");
    try (Publication publication = open(ObjectStore.MOUNTED, () -> {})) {
      write(publication, "y.bin", "abc");
      write(publication, "z.bin", "abc");
      assertThatThrownBy(() -> publication.commit(files -> new byte[0]))
          .isInstanceOf(IOException.class)
          .hasMessage("connection reset");
      assertThat(names(target)).containsExactly("y.bin");
    }
    assertThat(names(folder)).containsExactly("model");

    configuration.unset(ObjectStore.RENAME_FAILS_AFTER);
    try (Publication publication = open(ObjectStore.MOUNTED, () -> {})) {
      write(publication, "z.bin", "abc");
      publication.commit(files -> new byte[0]);
    }
    assertThat(names(target)).containsExactly(LAST, "z.bin");
    assertThat(names(folder)).containsExactly("model");
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", ObjectStore.UNKNOWN, ObjectStore.MOUNTED})
  void nothingIsLeftWhenAFailureComesBeforeTheCommit(String scheme) throws IOException {
    try (Publication publication = open(scheme, () -> {})) {
      write(publication, "a.bin", "abc");
    }
    assertThat(names(folder)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", ObjectStore.UNKNOWN, ObjectStore.MOUNTED})
  void aRemnantWithoutItsLastFileIsReplacedNotNestedInto(String scheme) throws IOException {
    java.nio.file.Path target = Files.createDirectory(folder.resolve("model"));
    Files.writeString(target.resolve("half"), "x");
    try (Publication publication = open(scheme, () -> {})) {
      publication.commit(files -> new byte[0]);
    }
    assertThat(names(target)).containsExactly(LAST);
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", ObjectStore.UNKNOWN, ObjectStore.MOUNTED})
  void aCompleteDirectoryIsNeverOverwritten(String scheme) throws IOException {
    java.nio.file.Path target = Files.createDirectory(folder.resolve("model"));
    Files.writeString(target.resolve(LAST), "old");
    assertThatThrownBy(() -> open(scheme, () -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is already complete; it is never overwritten");
    assertThat(target.resolve(LAST)).content().isEqualTo("old");
  }

  @Test
  void aDirectoryThatAnotherCompletedMeanwhileIsNotOverwritten() throws IOException {
    java.nio.file.Path target = folder.resolve("model");
    try (Publication publication = open("file", () -> {})) {
      Files.createDirectory(target);
      Files.writeString(target.resolve(LAST), "another's");
      assertThatThrownBy(() -> publication.commit(files -> new byte[0]))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("is already complete; it is never overwritten");
    }
    assertThat(target.resolve(LAST)).content().isEqualTo("another's");
    assertThat(names(folder)).containsExactly("model");
  }

  @Test
  void aFileIsWrittenOnce() throws IOException {
    try (Publication publication = open("file", () -> {})) {
      write(publication, "a.bin", "abc");
      assertThatThrownBy(() -> write(publication, "a.bin", "abc"))
          .isInstanceOf(FileAlreadyExistsException.class)
          .hasMessageContaining("a.bin");
    }
  }

  @Test
  void aDriverThatLostTheRunPublishesNothing() throws IOException {
    try (Publication publication = open("file", PublicationTest::lost)) {
      assertThatThrownBy(() -> publication.commit(files -> new byte[0])).hasMessage("lost");
    }
    assertThat(names(folder)).isEmpty();
  }

  @Test
  void whereFilesStandInPlaceADriverThatLostTheRunTouchesNothing() throws IOException {
    java.nio.file.Path target = Files.createDirectory(folder.resolve("model"));
    Files.writeString(target.resolve("another's"), "x");
    assertThatThrownBy(() -> open(ObjectStore.UNKNOWN, PublicationTest::lost)).hasMessage("lost");
    assertThat(names(target)).containsExactly("another's");
  }

  @Test
  void whereFilesStandInPlaceADriverThatLosesTheRunWritesNoLastFileAndRemovesNothing()
      throws IOException {
    java.nio.file.Path target = folder.resolve("model");
    AtomicBoolean lost = new AtomicBoolean();
    Runnable ownership =
        () -> {
          if (lost.get()) {
            lost();
          }
        };
    try (Publication publication = open(ObjectStore.UNKNOWN, ownership)) {
      lost.set(true);
      Files.writeString(target.resolve("another's"), "x");
      assertThatThrownBy(() -> publication.commit(files -> new byte[0])).hasMessage("lost");
    }
    assertThat(names(target)).containsExactly("another's");
  }

  private static void lost() {
    throw CollimateException.resources("lost");
  }

  private Publication open(String scheme, Runnable ownership) throws IOException {
    return new Publication(
        new Path(scheme + ":" + folder.resolve("model")), LAST, configuration, ownership);
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
