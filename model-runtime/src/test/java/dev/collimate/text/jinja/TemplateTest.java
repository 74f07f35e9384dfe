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
        "{% macro m(a=m()) %}{% endmacro %}{{ m() }}|macros call each other more than 200 deep",
        "{% set ns = namespace(l=[]) %}{% for i in range(90000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}|nested too deeply",
        "{{ ['a' * 9000000] * 1000000 }}|is longer than a template may make",
        "{{ ('%16000000d' * 9) % (1, 2, 3, 4, 5, 6, 7, 8, 9) }}|a text of 32000000 characters is longer",
        "{{ 'a'.ljust(9, 'xy') }}|the fill character must be exactly one character long",
        "{{ '%99999999999999999999d' % 1 }}|a width or precision of a format is beyond 32 bits",
        "{{ '%.99999999999999999999f' % 1 }}|a width or precision of a format is beyond 32 bits",
        "{{ '{:.99999999999999999999}'.format('a') }}|a width or precision of a format is beyond 32 bits",
        "{{ '%.99999999f' % 1 }}|a text of 99999999 characters is longer",
        "{{ range }}|a value of type",
        "{% filter pprint %}{% endfilter %}|there is no filter 'pprint'",
      })
  void theSandboxHolds(String source, String message) {
    assertThatThrownBy(() -> text(source))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ ('a\n' * 9)|indent('b' * 16000000) }}",
        "{{ [1]|tojson(indent='a' * 16777216) }}",
      })
  void whatAFilterAddsIsCountedToo(String source) {
    assertThatThrownBy(() -> text(source))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining("is longer than a template may make");
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
    String signs = "{{ " + "-".repeat(200_000) + "1 }}";
    assertThatThrownBy(() -> Template.parse(signs))
        .isInstanceOf(TemplateException.class)
        .hasMessage("the template is nested too deeply to be parsed");
  }

  @Test
  void longChainsOfOperatorsAreRefusedNotOverflowed() {
    String chain = "\n{{ 1" + "+1".repeat(200_000) + " }}";
    assertThatThrownBy(() -> text(chain))
        .isInstanceOf(TemplateException.class)
        .hasMessage("line 2: expressions or values are nested too deeply");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      quoteCharacter = '"',
      value = {
        "{{ namespace(sys=none).sys is none }}#True",
        "{{ namespace(sys=none)['sys'] is none }}#True",
        "{{ namespace(sys=none)|attr('sys') is none }}#True",
        "{{ namespace().sys is undefined }}#True",
        "{% for i in [none, 1] %}{{ loop.previtem is none }} {% endfor %}#False True ",
        "{% for i in [1, none] %}{{ loop.nextitem is none }} {% endfor %}#True False ",
        "{{ cycler(none, 1).current is none }}#True",
        "{{ {'a': none}.a is none }}#True",
        "{{ {}.a is undefined }}#True",
      })
  void anAttributeThatIsNoneIsDefined(String source, String expected) {
    assertThat(text(source).strip()).isEqualTo(expected.strip());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      quoteCharacter = '"',
      value = {
        "{{ [none, 1, none]|unique|list }}#[None, 1]",
        "{{ 'abc'[1::9223372036854775807] }}#b",
        "{{ 'abc'[1::-9223372036854775807] }}#b",
        "{{ [] * 9000000000000000000 }}#[]",
        "{{ '1e500000000'|int(7) }} {{ '1e-500000000'|int }} {{ '0e999'|int }}#7 0 0",
        "{{ '%f %5.1f' % (1e308 * 10, -1e308 * 10) }}#inf  -inf",
        "{{ '%.1076f' % 0.5 == '0.5' ~ '0' * 1075 }}#True",
        "{{ [(1,), (), {'a': [1.5, 'b']}] }}#[(1,), (), {'a': [1.5, 'b']}]",
      })
  void extremeValuesHaveTheirPlainMeaning(String source, String expected) {
    assertThat(text(source)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "1e-5, 1e-05",
    "1e-6, 1e-06",
    "0.0001, 0.0001",
    "0.02, 0.02",
    "500000, 500000.0",
    "1e15, 1000000000000000.0",
    "1.5e16, 1.5e+16",
    "1e300, 1e+300",
    "2e-3, 0.002",
    "-2.5, -2.5",
    "0, 0.0",
    "4.9e-324, 5e-324",
    // 2^-44: the nearest decimal of 16 digits is another double, the next one is not.
    "5.684341886080802e-14, 5.684341886080802e-14",
    "Infinity, Infinity",
    "NaN, NaN",
  })
  void numbersAreWrittenAsPythonPrintsThem(double number, String text) {
    assertThat(PythonFloat.json(number)).isEqualTo(text);
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
