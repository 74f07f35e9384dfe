package dev.collimate.text;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTest {

  @TempDir Path directory;

  @BeforeEach
  void writeTheByteLevelTokenizer() throws IOException {
    ByteLevelTokenizer.write(new LocalFolderSink(directory));
  }

  private Tokenizer load() throws IOException {
    return Tokenizer.load(LocalFolder.existing(directory));
  }

  @Test
  void everyByteIsATokenOfItsOwn() throws IOException {
    try (Tokenizer tokenizer = load()) {
      assertThat(tokenizer.encode("2+2\n")).containsExactly('2' + 3, '+' + 3, '2' + 3, '\n' + 3);
      assertThat(tokenizer.encode("é")).containsExactly(0xC3 + 3, 0xA9 + 3);
    }
  }

  @Test
  void anyTextComesBackFromItsIds() throws IOException {
    String text = "\u0000 a\r\n\t\u00a0é 数え 😀🤷🏽‍♀️ \uffff";
    try (Tokenizer tokenizer = load()) {
      assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
    }
  }

  @Test
  void specialTokensAreRecognisedInTextAndSkippedOnRequest() throws IOException {
    try (Tokenizer tokenizer = load()) {
      int[] ids = tokenizer.encode("a<eos>");
      assertThat(ids).containsExactly('a' + 3, ByteLevelTokenizer.EOS_ID);
      assertThat(tokenizer.decode(ids)).isEqualTo("a<eos>");
      assertThat(tokenizer.decodeSkippingSpecialTokens(ids)).isEqualTo("a");
      assertThat(tokenizer.eosId()).hasValue(ByteLevelTokenizer.EOS_ID);
      assertThat(tokenizer.bosId()).hasValue(ByteLevelTokenizer.BOS_ID);
      assertThat(tokenizer.padId()).hasValue(ByteLevelTokenizer.PAD_ID);
    }
  }

  @Test
  void aCharacterOfSeveralBytesBelongsToEachOfItsTokens() throws IOException {
    try (Tokenizer tokenizer = load()) {
      TokenSpans spans = tokenizer.encodeWithSpans("😀a");
      assertThat(spans.starts()).containsExactly(0, 0, 0, 0, 1);
      assertThat(spans.ends()).containsExactly(1, 1, 1, 1, 2);
    }
  }

  @Test
  void halfACharacterIsRefusedNotGarbled() throws IOException {
    try (Tokenizer tokenizer = load()) {
      assertThatThrownBy(() -> tokenizer.encode("ab\ud83d"))
          .isInstanceOf(CollimateException.class)
          .hasMessageContaining("lone surrogate U+D83D) at position 2");
    }
  }

  @Test
  void truncationAndPaddingOfTheFileAreIgnored() throws IOException {
    String json = Files.readString(directory.resolve("tokenizer.json"));
    Files.writeString(
        directory.resolve("tokenizer.json"),
        json.replace(
                "\"truncation\" : null",
                "\"truncation\" : {\"direction\":\"Right\",\"max_length\":2,\"strategy\":\"LongestFirst\",\"stride\":0}")
            .replace(
                "\"padding\" : null",
                "\"padding\" : {\"strategy\":{\"Fixed\":8},\"direction\":\"Right\",\"pad_to_multiple_of\":null,\"pad_id\":0,\"pad_type_id\":0,\"pad_token\":\"<pad>\"}"));
    try (Tokenizer tokenizer = load()) {
      assertThat(tokenizer.encodeWithSpecialTokens("abcde")).hasSize(5);
    }
  }

  @Test
  void tokensThatOnlyTheConfigurationNamesAreAdded() throws IOException {
    Files.writeString(
        directory.resolve("tokenizer_config.json"),
        "{\"eos_token\": {\"content\": \"<|end|>\"}, \"pad_token\": \"<pad>\", \"bos_token\": null}");
    Files.delete(directory.resolve("special_tokens_map.json"));
    try (Tokenizer tokenizer = load()) {
      assertThat(tokenizer.eosId()).hasValue(ByteLevelTokenizer.VOCABULARY_SIZE);
      assertThat(tokenizer.encode("a<|end|>")).containsExactly('a' + 3, 259);
      assertThat(tokenizer.bosId()).isEmpty();
    }
  }

  @Test
  void aSlowTokenizerIsNamed() throws IOException {
    Files.delete(directory.resolve("tokenizer.json"));
    assertThatThrownBy(this::load)
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("has no tokenizer.json, which rows of text need");
    new LocalFolderSink(directory).write("tokenizer.model", "x".getBytes(UTF_8));
    assertThatThrownBy(this::load)
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("only the files of a slow tokenizer (tokenizer.model)");
  }

  @Test
  void brokenFilesAreNamed() throws IOException {
    Files.writeString(directory.resolve("tokenizer.json"), "{\"model\": {\"type\": \"Magic\"}}");
    assertThatThrownBy(this::load)
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("tokenizer.json in " + directory + " is not accepted");
    Files.writeString(directory.resolve("tokenizer.json"), "{");
    assertThatThrownBy(this::load)
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("tokenizer.json in " + directory + " is not JSON");
  }

  @Test
  void aTextThatTheTokenizerCannotEncodeIsNamed() throws IOException {
    Files.writeString(
        directory.resolve("tokenizer.json"),
        """
        {"version": "1.0", "added_tokens": [],
         "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "[UNK]"}}""");
    try (Tokenizer tokenizer = load()) {
      assertThatThrownBy(() -> tokenizer.encode("é".repeat(41)))
          .isInstanceOfSatisfying(
              CollimateException.class,
              e -> assertThat(e.kind()).isEqualTo(CollimateException.Kind.DATA))
          .hasMessageStartingWith(
              "the tokenizer of %s cannot encode the text that begins with '%s': "
                  .formatted(directory, "é".repeat(40)));
    }
  }

  @Test
  void addedTokensInTheWrongFormAreNamed() throws IOException {
    Files.writeString(
        directory.resolve("tokenizer_config.json"),
        "{\"added_tokens_decoder\": {\"first\": {\"content\": \"<x>\"}}}");
    assertThatThrownBy(this::load)
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "'added_tokens_decoder' of tokenizer_config.json in %s has the key 'first', token ids are expected"
                .formatted(directory));
    Files.writeString(
        directory.resolve("tokenizer.json"), "{\"model\": {}, \"added_tokens\": {\"a\": 1}}");
    assertThatThrownBy(this::load)
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "'added_tokens' of tokenizer.json in %s is not a list of tokens".formatted(directory));
  }
}
