package dev.collimate.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import dev.collimate.text.PreparerConfig.BoundaryMerge;
import dev.collimate.text.PreparerConfig.TruncationMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a tokenizer that merges "a" and "b", a prompt that ends in a is no prefix of "ab". */
class BoundaryMergeTest {

  private static final int AB = 259;
  private static final Map<String, String> ROW =
      Map.of("id", "r7", "prompt", "xa", "chosen", "by", "rejected", "cy");

  @TempDir Path directory;
  private Tokenizer tokenizer;

  @BeforeEach
  void loadATokenizerWithOneMerge() throws IOException {
    ByteLevelTokenizer.write(new LocalFolderSink(directory));
    Path json = directory.resolve("tokenizer.json");
    Files.writeString(
        json,
        Files.readString(json)
            .replace("\"vocab\" : {", "\"vocab\" : { \"ab\" : " + AB + ",")
            .replace("\"merges\" : [ ]", "\"merges\" : [ \"a b\" ]"));
    tokenizer = Tokenizer.load(LocalFolder.existing(directory));
    assertThat(tokenizer.encode("xab")).containsExactly('x' + 3, AB);
  }

  @AfterEach
  void close() {
    tokenizer.close();
  }

  private Prepared prepare(BoundaryMerge merge) {
    return prepare(merge, ROW);
  }

  private Prepared prepare(BoundaryMerge merge, Map<String, ?> row) {
    PreparerConfig config =
        new PreparerConfig(
            RowShape.PREFERENCE,
            100,
            TruncationMode.KEEP_START,
            PreparerConfig.UNLIMITED,
            merge,
            true,
            false,
            PreparerConfig.UNLIMITED,
            LocalDateTime.MIN);
    return new ExamplePreparer(Optional.of(tokenizer), config).prepare(row);
  }

  @Test
  void keptRowsAreTokenizedApartAndCounted() {
    Prepared.Ready ready = (Prepared.Ready) prepare(BoundaryMerge.KEEP);
    assertThat(ready.notes()).containsExactly("boundary_merge");
    Sequence chosen = ready.example().sequences().get("chosen");
    assertThat(chosen.ids()).containsExactly('x' + 3, 'a' + 3, 'b' + 3, 'y' + 3, 2);
    assertThat(chosen.promptLength()).isEqualTo(2);
    assertThat(chosen.lossMask()).containsExactly(0, 0, 1, 1, 1);
  }

  @Test
  void droppedRowsHaveTheirReason() {
    assertThat(prepare(BoundaryMerge.DROP))
        .isInstanceOfSatisfying(
            Prepared.Refused.class,
            refused -> {
              assertThat(refused.reason()).isEqualTo("boundary_merge");
              assertThat(refused.detail())
                  .isEqualTo(
                      "the first characters of side 'chosen' merge with the prompt's last ones into one token");
            });
  }

  @Test
  void theFirstOneEndsTheRunWhereAsked() {
    assertThatThrownBy(() -> prepare(BoundaryMerge.FAIL))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "the row 'r7': the first characters of side 'chosen' merge with the prompt's last ones into one token; with data.boundary_merge: keep they are tokenized apart");
  }

  @Test
  void aRowWithoutIdIsNamedByItsBeginning() {
    String prompt = "é".repeat(59) + "😀xa";
    Map<String, String> row = Map.of("prompt", prompt, "chosen", "by", "rejected", "cy");
    assertThatThrownBy(() -> prepare(BoundaryMerge.FAIL, row))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith(
            "the row whose prompt begins with '%s': the first characters"
                .formatted("é".repeat(59) + "😀"));
  }

  @Test
  void generationMarkersHoldForCompletionsTokenizedApart() {
    ChatTemplate template =
        ChatTemplate.parse(
            "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}",
            Map.of());
    PreparerConfig config =
        new PreparerConfig(
            RowShape.DEMONSTRATION,
            100,
            TruncationMode.KEEP_START,
            PreparerConfig.UNLIMITED,
            BoundaryMerge.KEEP,
            true,
            true,
            PreparerConfig.UNLIMITED,
            LocalDateTime.MIN);
    Map<String, Object> row =
        Map.of(
            "prompt",
            List.of(Map.of("role", "user", "content", "é😀a")),
            "completion",
            List.of(
                Map.of("role", "assistant", "content", "b"),
                Map.of("role", "user", "content", "u"),
                Map.of("role", "assistant", "content", "é")));
    Prepared.Ready ready =
        (Prepared.Ready) new ExamplePreparer(tokenizer, template, config).prepare(row);
    Sequence sequence = ready.example().sequences().get("completion");
    assertThat(ready.notes()).containsExactly("boundary_merge");
    assertThat(sequence.promptLength()).isEqualTo(7);
    assertThat(sequence.lossMask()).containsExactly(0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1);
  }
}
