package dev.collimate.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StorageTest {

  private final Configuration configuration = ObjectStore.configuration();

  @TempDir private java.nio.file.Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"file", ObjectStore.UNKNOWN, ObjectStore.MOUNTED})
  void aReplacedFileHasItsNewContent(String scheme) throws IOException {
    Path path = path(scheme);
    Storage storage = Storage.of(path, configuration);
    storage.replace(path, utf8("old"));
    storage.replace(path, utf8("new"));
    assertThat(storage.readReplaced(path)).isEqualTo(utf8("new"));
    assertThat(folder).isDirectoryNotContaining("glob:**.next");
  }

  @ParameterizedTest
  @ValueSource(strings = {ObjectStore.UNKNOWN, ObjectStore.MOUNTED})
  void aWriterThatFailsHalfWayLeavesTheOldContent(String scheme) throws IOException {
    Path path = path(scheme);
    Storage storage = Storage.of(path, configuration);
    storage.replace(path, utf8("old"));
    configuration.setBoolean(ObjectStore.WRITES_ARE_TORN, true);
    assertThatThrownBy(() -> storage.replace(path, utf8("new"))).hasMessage("connection reset");
    assertThat(storage.readReplaced(path)).isEqualTo(utf8("old"));
  }

  @Test
  void aWriterThatDiedBetweenItsTwoStepsLeavesTheNewContent() throws IOException {
    Path path = path("file");
    Files.writeString(folder.resolve(".state.json.next"), "new");
    assertThat(Storage.of(path, configuration).readReplaced(path)).isEqualTo(utf8("new"));
  }

  @Test
  void aReaderThatComesBetweenTheTwoStepsLooksAgain() throws IOException {
    Path path = path("file");
    Files.writeString(folder.resolve(".state.json.next"), "new");
    RawLocalFileSystem renamedMeanwhile =
        new RawLocalFileSystem() {
          @Override
          public FSDataInputStream open(Path file, int bufferSize) throws IOException {
            if (file.getName().endsWith(".next")) {
              rename(file, path);
              throw new FileNotFoundException(file.toString());
            }
            return super.open(file, bufferSize);
          }
        };
    renamedMeanwhile.initialize(URI.create("file:///"), configuration);
    assertThat(new Storage(renamedMeanwhile).readReplaced(path)).isEqualTo(utf8("new"));
  }

  /** What is no location, and a store that nothing here opens, is one sentence with its key. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          dpo:1 | Relative path in absolute URI: dpo:1
          s3a:bucket/x | Relative path in absolute URI: s3a:bucket/x
          hf://x/y | No FileSystem for scheme "hf"
          gone://x | Class no.such.Store not found
          """)
  void aLocationThatCannotBeOpenedIsNamedWithItsKey(String location, String why) {
    configuration.set("fs.gone.impl", "no.such.Store");
    assertThatThrownBy(() -> Storage.absolute("model", location, configuration))
        .isInstanceOf(CollimateException.class)
        .hasFieldOrPropertyWithValue("kind", CollimateException.Kind.USAGE)
        .hasMessageStartingWith("model: cannot open '" + location + "': ")
        .hasMessageEndingWith(why);
    assertThatThrownBy(() -> HadoopFolder.open("model", location, configuration))
        .hasMessageStartingWith("model: cannot open '" + location + "': ");
  }

  private Path path(String scheme) {
    return new Path(scheme + ":" + folder.resolve("state.json"));
  }

  private static byte[] utf8(String text) {
    return text.getBytes(UTF_8);
  }
}
