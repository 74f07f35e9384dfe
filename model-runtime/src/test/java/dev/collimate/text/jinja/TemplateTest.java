package dev.collimate.text.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TemplateTest {

  private static final LocalDateTime NOW = LocalDateTime.parse("2025-01-05T09:07:03");

  private static Rendering render(String source, Map<String, ?> variables) {
    return Template.parse(source).render(variables, NOW);
  }

  private static String text(String source) {
    return render(source, Map.of()).text();
  }

  @Test
  void generatedPartsAreCountedInCodePoints() {
    Rendering rendering =
        render(
            "😀{% generation %}a😀{% endgeneration %}-{% generation %}{% endgeneration %}é{% generation %}b{% endgeneration %}",
            Map.of());
    assertThat(rendering.text()).isEqualTo("😀a😀-éb");
    assertThat(rendering.generated())
        .containsExactly(
            new Rendering.Span(1, 3), new Rendering.Span(4, 4), new Rendering.Span(5, 6));
    assertThat(rendering.hasHiddenMarkers()).isFalse();
  }

  @Test
  void markersInsideAMacroAreHidden() {
    Rendering rendering =
        render(
            "{% macro m() %}{% generation %}a{% endgeneration %}{% endmacro %}{{ m() }}", Map.of());
    assertThat(rendering.text()).isEqualTo("a");
    assertThat(rendering.generated()).isEmpty();
    assertThat(rendering.hasHiddenMarkers()).isTrue();
  }

  @Test
  void markersAreFoundWithoutRendering() {
    assertThat(Template.parse("{%- generation -%}{% endgeneration %}").hasGenerationMarkers())
        .isTrue();
    assertThat(Template.parse("{# generation #}{{ 'generation' }}").hasGenerationMarkers())
        .isFalse();
  }

  @Test
  void javasNullIsNoneAndIsDefined() {
    Map<String, Object> variables = new HashMap<>();
    variables.put("tools", null);
    assertThat(render("{{ tools }} {{ tools is defined }} {{ tools is none }}", variables).text())
        .isEqualTo("None True True");
  }

  @Test
  void numbersOfAllWidthsAreIntegersOrFloats() {
    Map<String, Object> variables =
        Map.of("a", 1, "b", 2L, "c", 0.1f, "d", (short) 3, "e", Arrays.asList(1, null));
    assertThat(render("{{ a + b }} {{ c }} {{ d }} {{ e }}", variables).text())
        .isEqualTo("3 0.1 3 [1, None]");
  }

  @Test
  void aRaisedExceptionKeepsItsOwnMessage() {
    assertThatThrownBy(() -> text("\n{{ raise_exception('No: ' ~ 1) }}"))
        .isInstanceOf(TemplateException.class)
        .hasMessage("No: 1")
        .satisfies(e -> assertThat(((TemplateException) e).isRaisedByTemplate()).isTrue());
  }

  @Test
  void otherFailuresNameTheLine() {
    assertThatThrownBy(() -> text("a\n\n{% if true %}\n{{ nope.x }}{% endif %}"))
        .isInstanceOf(TemplateException.class)
        .hasMessage("line 4: 'nope' is undefined")
        .satisfies(e -> assertThat(((TemplateException) e).isRaisedByTemplate()).isFalse());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{% include 'x' %}|line 1: the tag 'include' is not supported in chat templates",
        "{% foo %}|line 1: unknown tag 'foo'",
        "{{ a b }}|line 1: expected '}}', got 'b'",
        "{% if a %}x|line 1: expected '{% endif %}', got the end of the template",
        "{{ 'a' if }}|line 1: expected an expression, got '}}'",
        "{# x|line 1: a comment ('{#') does not end",
        "{{ x|line 1: a tag does not end",
        "{{ (1] }}|line 1: unexpected ']'",
        "{% break %}|line 1: 'break' outside a loop",
        "{{ 99999999999999999999 }}|line 1: the integer 99999999999999999999 is beyond 64 bits",
      })
  void whatIsNoTemplateIsRefusedWithItsPlace(String source, String message) {
    assertThatThrownBy(() -> Template.parse(source))
        .isInstanceOf(TemplateException.class)
        .hasMessage(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{{ 'a'.__class__.__mro__ }}|'str object' has no attribute '__class__'",
        "{{ [].append(1) }}|'append' would change a list, which a chat template may not",
        "{{ {}.update(a=1) }}|'update' would change a dict, which a chat template may not",
        "{{ range(1000000) }}|a range may have at most 100000 numbers",
        "{{ 'a' * 100000000 }}|a text of 100000000 characters is longer than a template may make",
        "{{ 'a'.center(100000000) }}|a text of 100000000 characters is longer",
        "{{ '%100000000d' % 1 }}|a text of 100000000 characters is longer",
        "{{ [0] * 100000000 }}|a list of 100000000 items is longer than a template may make",
        "{{ 2 ** 100000000 }}|integers beyond 64 bits are not supported",
        "{{ 9223372036854775807 + 1 }}|integers beyond 64 bits are not supported",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}|macros call each other more than 200 deep",
        "{{ range }}|a value of type",
        "{% filter pprint %}{% endfilter %}|there is no filter 'pprint'",
      })
  void theSandboxHolds(String source, String message) {
    assertThatThrownBy(() -> text(source))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining(message);
  }

  @Test
  void textThatDoublesIsStopped() {
    String source =
        "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}";
    assertThatThrownBy(() -> text(source))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining("is longer than a template may make");
  }

  @Test
  void loopsThatDoNotEndSoonAreStopped() {
    String source =
        "{% for i in range(100000) %}{% for j in range(100000) %}{% set x = j %}{% endfor %}{% endfor %}";
    assertThatThrownBy(() -> text(source))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining("does not end within 20000000 steps");
  }

  @Test
  void deeplyNestedExpressionsAreRefusedNotOverflowed() {
    String source = "{{ " + "(".repeat(5000) + "1" + ")".repeat(5000) + " }}";
    assertThatThrownBy(() -> Template.parse(source))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining("an expression of at most 200 levels");
  }

  @ParameterizedTest
  @CsvSource({
    "%Y-%m-%d, 2025-01-05",
    "%d %b %Y, 05 Jan 2025",
    "%B %-d, January 5",
    "%H:%M:%S, 09:07:03",
    "%I %p, 09 AM",
    "%a %A, Sun Sunday",
    "%j %y %e %%, 005 25  5 %",
  })
  void theClockIsTheOneGiven(String format, String expected) {
    Rendering rendering = render("{{ strftime_now('" + format + "') }}", Map.of());
    assertThat(rendering.text()).isEqualTo(expected);
    assertThat(rendering.isTimeDependent()).isTrue();
  }

  @Test
  void mostTemplatesDoNotDependOnTheTime() {
    assertThat(render("{{ strftime_now is defined }}", Map.of()).isTimeDependent()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"{{ {'a': 1}.items() }}", "{{ {'a': 1}|items|list }}"})
  void itemsOfADictAreAList(String source) {
    assertThat(text(source)).isEqualTo("[('a', 1)]");
  }

  @Test
  void aTemplateServesSeveralRenderings() {
    Template template =
        Template.parse("{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}");
    Map<String, Object> first = Map.of("messages", List.of(Map.of("role", "user", "content", "a")));
    Map<String, Object> second = Map.of("messages", List.of());
    assertThat(template.render(first, NOW).text()).isEqualTo("user:a;");
    assertThat(template.render(second, NOW).text()).isEmpty();
    assertThat(template.render(first, NOW).text()).isEqualTo("user:a;");
  }
}
