package dev.collimate.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.objective.ObjectiveInputs;
import dev.collimate.objective.ObjectiveOption;
import dev.collimate.objective.ObjectiveSpec;
import dev.collimate.objective.Objectives;
import dev.collimate.objective.ReferenceUse;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The guide's page of objectives says what the table of objectives does. */
class ObjectiveReferenceTest {

  private static final Pattern SETTING = Pattern.compile("(\\w+):");

  @Test
  void thePageListsEveryObjectiveAsItIs() throws IOException {
    StringBuilder text = new StringBuilder(byData());
    Objectives.table().forEach(spec -> text.append(section(spec)));
    new GeneratedPart(
            GeneratedPart.folder("model-runtime").resolve("README.md"), "objectives", getClass())
        .mustBe(text + "\n");
  }

  @Test
  void limitsAreOfOptionsThatThereAre() {
    Set<String> options =
        Objectives.table().stream()
            .flatMap(spec -> spec.options().stream())
            .map(ObjectiveOption::name)
            .collect(Collectors.toSet());
    for (ObjectiveSpec spec : Objectives.table()) {
      for (String limit : spec.limits()) {
        Matcher setting = SETTING.matcher(limit);
        while (setting.find()) {
          assertThat(options).as("%s: %s", spec.name(), limit).contains(setting.group(1));
        }
      }
    }
  }

  /** What the rows are, then which objectives take them. */
  private static String byData() {
    Map<String, Map<String, List<ObjectiveSpec>>> kinds =
        Objectives.table().stream()
            .collect(
                Collectors.groupingBy(
                    spec -> spec.inputs().rows(),
                    LinkedHashMap::new,
                    Collectors.groupingBy(
                        spec -> String.join(", ", spec.inputs().columns()),
                        LinkedHashMap::new,
                        Collectors.toList())));
    StringBuilder text =
        new StringBuilder(
            """

            | your rows | and columns | objectives against a reference model | without one |
            | --- | --- | --- | --- |
            """);
    kinds.forEach(
        (rows, byColumns) ->
            byColumns.forEach(
                (columns, specs) ->
                    text.append(
                        "| %s | %s | %s | %s |\n"
                            .formatted(rows, columns, links(specs, true), links(specs, false)))));
    return text.toString();
  }

  private static String links(List<ObjectiveSpec> specs, boolean isAgainstReference) {
    return specs.stream()
        .filter(spec -> (spec.inputs().reference() != ReferenceUse.NONE) == isAgainstReference)
        .map(spec -> "[%s](#%s)".formatted(spec.name(), spec.name()))
        .collect(Collectors.joining(", "));
  }

  private static String section(ObjectiveSpec spec) {
    StringBuilder text =
        new StringBuilder(
            """

            ### `%s`

                %s

            %s.

            - Reads %s.
            - Normalisation: %s.
            """
                .formatted(
                    spec.name(),
                    spec.formula(),
                    spec.source(),
                    inputs(spec),
                    spec.normalisation()));
    if (!spec.limits().isEmpty()) {
      text.append("- Limits:\n");
      spec.limits().forEach(limit -> text.append("  - ").append(limit).append('\n'));
    }
    if (!spec.options().isEmpty()) {
      text.append("\n").append(GeneratedPart.KEYS);
      spec.options().forEach(option -> text.append(row(option)));
    }
    return text.toString();
  }

  private static String inputs(ObjectiveSpec spec) {
    ObjectiveInputs usual = spec.inputs();
    StringBuilder text = new StringBuilder(usual.rows());
    if (!usual.columns().isEmpty()) {
      text.append("; beside them ").append(String.join("; ", usual.columns()));
    }
    text.append("; ").append(usual.ofReference());
    Map<String, List<String>> settings = new LinkedHashMap<>();
    spec.inputsByOption()
        .forEach(
            (setting, inputs) ->
                settings
                    .computeIfAbsent(
                        String.join("; ", inputs.unlike(usual)), unlike -> new ArrayList<>())
                    .add("`" + setting + "`"));
    settings.forEach(
        (unlike, with) ->
            text.append(". With %s: %s".formatted(String.join(" or ", with), unlike)));
    return text.toString();
  }

  /** A line of a table of keys. */
  static String row(ObjectiveOption option) {
    String names = "`" + String.join("`, `", option.supported()) + "`";
    String value =
        switch (option.kind()) {
          case FLAG -> "true or false";
          case NUMBER -> ("number " + option.range()).strip();
          case NUMBERS -> ("list of numbers " + option.range()).strip();
          case CHOICE -> names;
          case CHOICES -> "one of, or a list of " + names;
          case NUMBER_OR_WORD -> names + " or number " + option.range();
          case TEXT -> "text";
        };
    String effect =
        option
            .effect()
            .map(
                where ->
                    " Only with `%s` `%s`."
                        .formatted(where.option(), String.join("`, `", where.values())))
            .orElse("");
    return "| `%s` | %s | `%s` | %s%s |\n"
        .formatted(option.name(), value, option.usual(), option.meaning(), effect);
  }
}
