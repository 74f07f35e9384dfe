package dev.collimate.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import dev.collimate.text.ChatTemplate.Ending;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateTest {

  private static final List<Map<String, String>> MESSAGES =
      List.of(
          Map.of("role", "user", "content", "2+2?"), Map.of("role", "assistant", "content", "4"));
  private static final ChatTemplate.Context PLAIN =
      new ChatTemplate.Context(null, Map.of(), LocalDateTime.parse("2025-01-15T12:00:00"));

  @TempDir Path directory;

  @BeforeEach
  void writeTheByteLevelTokenizer() throws IOException {
    ByteLevelTokenizer.write(new LocalFolderSink(directory));
  }

  private ChatTemplate load() throws IOException {
    try (Tokenizer tokenizer = Tokenizer.load(LocalFolder.existing(directory))) {
      return tokenizer.chatTemplate().orElseThrow();
    }
  }

  private void config(String chatTemplate) throws IOException {
    Files.writeString(
        directory.resolve("tokenizer_config.json"),
        "{\"eos_token\": \"<eos>\", \"chat_template\": " + chatTemplate + "}");
  }

  @Test
  void theByteLevelTokenizersOwnTemplateMarksTheAnswers() throws IOException {
    ChatTemplate template = load();
    assertThat(template.render(MESSAGES, Ending.WHOLE, PLAIN).text())
        .isEqualTo("user: 2+2?\nassistant: 4<eos>\n");
    assertThat(template.render(MESSAGES.subList(0, 1), Ending.GENERATION_PROMPT, PLAIN).text())
        .isEqualTo("user: 2+2?\nassistant: ");
    assertThat(template.hasGenerationMarkers()).isTrue();
    assertThat(template.render(MESSAGES, Ending.WHOLE, PLAIN).generated())
        .singleElement()
        .satisfies(span -> assertThat(span.start()).isEqualTo(22))
        .satisfies(span -> assertThat(span.end()).isEqualTo(28));
  }

  @Test
  void aFileOfItsOwnComesBeforeTheConfiguration() throws IOException {
    Files.writeString(directory.resolve("chat_template.jinja"), "from the file\n");
    assertThat(load().render(MESSAGES, Ending.WHOLE, PLAIN).text()).isEqualTo("from the file");
  }

  @Test
  void ofSeveralTemplatesTheDefaultAndTheOneForToolsAreUsed() throws IOException {
    config(
        "[{\"name\": \"default\", \"template\": \"plain\"}, {\"name\": \"tool_use\", \"template\": \"{{ tools|length }} tools\"}]");
    ChatTemplate template = load();
    assertThat(template.render(MESSAGES, Ending.WHOLE, PLAIN).text()).isEqualTo("plain");
    ChatTemplate.Context withTools =
        new ChatTemplate.Context(List.of(Map.of("name", "f")), Map.of(), PLAIN.now());
    assertThat(template.render(MESSAGES, Ending.WHOLE, withTools).text()).isEqualTo("1 tools");
  }

  @Test
  void optionsAreVariablesOfTheTemplate() throws IOException {
    config("\"{{ thinking|default('unset') }} {{ eos_token }} {{ tools is none }}\"");
    ChatTemplate template = load();
    ChatTemplate.Context context =
        new ChatTemplate.Context(null, Map.of("thinking", false), PLAIN.now());
    assertThat(template.render(MESSAGES, Ending.WHOLE, PLAIN).text()).isEqualTo("unset <eos> True");
    assertThat(template.render(MESSAGES, Ending.WHOLE, context).text())
        .isEqualTo("False <eos> True");
  }

  @Test
  void aTemplateThatIsNoneIsNamed() throws IOException {
    config("\"{% if %}\"");
    assertThatThrownBy(this::load)
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "the chat template of %s: line 1: expected an expression, got '%%}'"
                .formatted(directory));
    config("[{\"name\": \"rag\", \"template\": \"x\"}]");
    assertThatThrownBy(this::load)
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("are named [rag]; one named 'default' is expected");
  }
}
