package dev.collimate.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.config.KnownKeys.KnownKey;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The folder conf/ says what the code does. */
class ConfFolderTest {

  private static final Path CONF = GeneratedPart.folder("conf");

  static List<Path> runFiles() throws IOException {
    try (Stream<Path> files = Files.walk(CONF)) {
      return files.filter(file -> file.toString().endsWith(".yaml")).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("runFiles")
  void everyRunFileIsAccepted(Path file) throws IOException {
    RunConfig config = RunConfig.read(Files.readString(file), file.toString(), List.of());
    assertThat(config.output()).isNotEmpty();
  }

  @Test
  void theReferenceListsEveryKeyAsItIs() throws IOException {
    new GeneratedPart(CONF.resolve("README.md"), "keys", getClass()).mustBe(tables());
  }

  /** A table per section, in the order of the records; sources are described once. */
  private static String tables() {
    Map<String, StringBuilder> sections = new LinkedHashMap<>();
    for (KnownKey known : KnownKeys.all()) {
      String path = known.path();
      String owner = path.contains(".") ? path.substring(0, path.lastIndexOf('.')) : "";
      boolean isSection =
          owner.isEmpty()
              && (KnownKeys.nested(known.component()).isRecord()
                  || known.component().getType() == ObjectiveConfig.class);
      if (!isSection && !owner.equals("data.eval[]")) {
        sections.computeIfAbsent(owner, ConfFolderTest::heading).append(row(known));
      }
    }
    sections
        .get("objective")
        .append(
            "\nThe other keys are those of the objective that is named:"
                + " [every objective](../model-runtime/README.md#objectives) with its formula, source,"
                + " inputs, limits and options.\n");
    sections.get("rewards[]").append("\nThe other keys are those of the reward that is named.\n");
    return String.join("", sections.values()) + "\n";
  }

  private static StringBuilder heading(String section) {
    String title =
        switch (section) {
          case "" -> "Top level";
          case "data.train[]" -> "A source: an item of `data.train` or `data.eval`";
          case "rewards[]" -> "A reward: an item of `rewards`";
          default -> "`" + section + "`";
        };
    return new StringBuilder("\n### " + title + "\n\n" + GeneratedPart.KEYS);
  }

  private static String row(KnownKey known) {
    Key key = known.key();
    String name = Names.last(known.path());
    String usual = key.usual().equals(Key.REQUIRED) ? "required" : "`" + key.usual() + "`";
    for (String special : key.usualFor()) {
      usual += ", " + special.replaceFirst(": (.*)", ": `$1`");
    }
    String meaning = key.meaning();
    if (key.role() == Key.Role.OPERATIONAL) {
      meaning += " *May change on resume.*";
    }
    return "| `%s` | %s | %s | %s |\n".formatted(name, value(known.component()), usual, meaning);
  }

  private static String value(RecordComponent component) {
    Key key = component.getAnnotation(Key.class);
    Class<?> type = component.getType();
    Class<?> content = KnownKeys.nested(component);
    if (content.isEnum() || (type == boolean.class && key.supported().length > 0)) {
      List<String> names = new ArrayList<>(List.of(key.supported()));
      if (names.isEmpty()) {
        Stream.of(content.getEnumConstants()).map(c -> Names.of((Enum<?>) c)).forEach(names::add);
      }
      return "`" + String.join("`, `", names) + "`";
    }
    if (type == boolean.class || content == Boolean.class) {
      return "true or false";
    }
    if (type == int.class || type == long.class || type == OptionalInt.class) {
      return ("whole number " + key.range()).strip();
    }
    if (type == double.class || content == Double.class) {
      return List.of(key.supported()).isEmpty()
          ? ("number " + key.range()).strip()
          : "`" + String.join("`, `", key.supported()) + "`";
    }
    if (type == List.class) {
      return content.isRecord() ? "list of sources" : "list of names";
    }
    if (type == Map.class) {
      return "names and values";
    }
    return type == Optional.class && key.supported().length > 0 ? "`null`" : "text";
  }
}
