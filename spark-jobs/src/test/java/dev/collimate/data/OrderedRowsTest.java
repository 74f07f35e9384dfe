package dev.collimate.data;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.config.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LocalSpark.class)
class OrderedRowsTest {

  @TempDir Path folder;
  private SparkSession spark;

  @BeforeEach
  void start(SparkSession session) {
    spark = session;
  }

  @Test
  void malformedRowsAreNamedByFileAndTheirRowInIt() throws IOException {
    Files.write(folder.resolve("a.jsonl"), List.of("{}", "{}", "{}"));
    Files.write(folder.resolve("b.jsonl"), List.of("{}", "", "{"));

    assertThatThrownBy(() -> read(folder, Optional.empty()))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith(
            "--data: '%s' has malformed rows ('b.jsonl' row 3: not a JSON object", folder);
  }

  @Test
  void whatIsWrongIsNamedByTheCommandsOptions() {
    assertThatThrownBy(() -> read(folder.resolve("gone"), Optional.empty()))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith("--data: there is no file or folder ");
    assertThatThrownBy(() -> read(folder, Optional.of("xml")))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith("--format: 'xml' is not supported");
  }

  private OrderedRows read(Path path, Optional<String> format) throws IOException {
    Source source =
        new Source(Optional.of(path.toString()), Optional.empty(), format, Map.of(), List.of());
    return OrderedRows.read(spark, "--data", source);
  }
}
