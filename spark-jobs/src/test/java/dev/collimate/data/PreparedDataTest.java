package dev.collimate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is not a data set of this version is told apart by its index. */
class PreparedDataTest {

  @TempDir Path folder;

  @Test
  void aFolderWithoutIndexHoldsNone() throws IOException {
    assertThat(open()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"version\": 1, \"rows\": 7} | has data format 1, this version reads",
        "{\"version\": 99} | has data format 99, this version reads",
        "{} | is no index of a data set",
        "{\"vers | is no index of a data set"
      })
  void anotherIndexIsRefused(String json, String sentence) throws IOException {
    Files.writeString(folder.resolve("index.json"), json);
    assertThatThrownBy(this::open)
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining(folder.toString())
        .hasMessageContaining(sentence);
  }

  private Optional<PreparedData> open() throws IOException {
    return PreparedData.openIfPresent(
        new org.apache.hadoop.fs.Path(folder.toUri()), new Configuration());
  }
}
