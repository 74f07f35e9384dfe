package dev.collimate.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.Fixtures;
import dev.collimate.text.jinja.Rendering;
import dev.collimate.text.jinja.Template;
import dev.collimate.text.jinja.TemplateException;
import java.io.IOException;
import java.nio.file.Files;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.Map;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("fixtures")
class ChatTemplateCasesTest {

  private static final ObjectMapper MAPPER = new ObjectMapper();

  @Test
  void everyConversationRendersAsJinjaDoes() throws IOException {
    JsonNode file = Fixtures.json("data/chat-templates/chat-templates.json");
    LocalDateTime now = LocalDateTime.parse(file.get("now").asText());
    SoftAssertions softly = new SoftAssertions();
    int run = 0;
    for (JsonNode one : file.get("cases")) {
      JsonNode conversation = file.get("conversations").get(one.get("conversation").asText());
      String source =
          Files.readString(
              Fixtures.path("data/chat-templates").resolve(one.get("template").asText()));
      String name = one.get("template").asText().replace(".jinja", "");
      Map<String, Object> variables = new HashMap<>();
      file.get("templates")
          .get(name)
          .get("special_tokens")
          .properties()
          .forEach(token -> variables.put(token.getKey(), token.getValue().asText()));
      variables.put("messages", MAPPER.convertValue(conversation.get("messages"), Object.class));
      variables.put("tools", MAPPER.convertValue(conversation.get("tools"), Object.class));
      variables.put("documents", null);
      variables.put("add_generation_prompt", conversation.get("add_generation_prompt").asBoolean());
      conversation
          .get("kwargs")
          .properties()
          .forEach(
              option ->
                  variables.put(
                      option.getKey(), MAPPER.convertValue(option.getValue(), Object.class)));
      check(softly, one, Template.parse(source), variables, now);
      run++;
    }
    System.out.printf("chat-templates: %d run, 0 skipped%n", run);
    softly.assertAll();
    assertThat(run).isPositive();
  }

  private static void check(
      SoftAssertions softly,
      JsonNode one,
      Template template,
      Map<String, Object> variables,
      LocalDateTime now) {
    String name = one.get("name").asText();
    Rendering rendering;
    try {
      rendering = template.render(variables, now);
    } catch (TemplateException e) {
      JsonNode error = one.path("error");
      softly.assertThat(error.isMissingNode()).as("%s: %s", name, e.getMessage()).isFalse();
      softly
          .assertThat(e.isRaisedByTemplate())
          .as(name)
          .isEqualTo(error.path("raised_by_template").asBoolean());
      if (e.isRaisedByTemplate()) {
        softly.assertThat(e).as(name).hasMessage(error.path("message").asText());
      }
      return;
    }
    softly.assertThat(rendering.text()).as(name).isEqualTo(one.path("rendered").asText());
    if (one.has("assistant_spans")) {
      softly
          .assertThat(
              rendering.generated().stream()
                  .map(span -> new int[] {span.start(), span.end()})
                  .toArray(int[][]::new))
          .as(name)
          .isDeepEqualTo(MAPPER.convertValue(one.get("assistant_spans"), int[][].class));
    }
  }
}
