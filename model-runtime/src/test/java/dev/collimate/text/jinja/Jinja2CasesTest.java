package dev.collimate.text.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.time.LocalDateTime;
import java.util.Map;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;

/** Snippets of the whole language, held to what Jinja2 renders (see the file's origin). */
class Jinja2CasesTest {

  private static final ObjectMapper MAPPER = new ObjectMapper();

  @Test
  void everySnippetRendersAsJinja2DoesOrFailsWhereItFails() throws IOException {
    JsonNode file;
    try (InputStream in = Jinja2CasesTest.class.getResourceAsStream("jinja2-cases.json")) {
      file = MAPPER.readTree(in);
    }
    @SuppressWarnings("unchecked")
    Map<String, Object> variables = MAPPER.convertValue(file.get("variables"), Map.class);
    SoftAssertions softly = new SoftAssertions();
    for (JsonNode one : file.get("cases")) {
      String source = one.get("template").asText();
      String rendered;
      try {
        rendered = Template.parse(source).render(variables, LocalDateTime.MIN).text();
      } catch (TemplateException e) {
        softly.assertThat(one.has("error")).as("%s: %s", source, e.getMessage()).isTrue();
        continue;
      }
      softly
          .assertThat(rendered)
          .as(source)
          .isEqualTo(one.has("rendered") ? one.get("rendered").asText() : "an error");
    }
    softly.assertAll();
    assertThat(file.get("cases")).hasSizeGreaterThan(500);
  }
}
