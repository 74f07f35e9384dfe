package dev.collimate;

import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.library.Architectures.LayeredArchitecture;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The rooms of model-runtime and of this module, and the one direction in which they may know each
 * other: from the last line to the first.
 */
class RoomsTest {
  /** Each room may use the rooms of the lines above its own, not its neighbours. */
  private static final List<List<String>> ROOMS =
      List.of(
          List.of("files", "parameters", "random"),
          List.of("online"),
          List.of("text"),
          List.of("checkpoint"),
          List.of("nn"),
          List.of("objective", "generate"),
          List.of("learn", "reward"),
          List.of("config"),
          List.of("storage"),
          List.of("data"),
          List.of("executor"),
          List.of("reference", "aggregate", "inference"),
          List.of("report"),
          List.of("train", "bench"),
          List.of("quickstart"),
          List.of("cli"));

  /** A module's classes lie in a folder while Maven tests it, and in a jar once it is packaged. */
  private static final Pattern TESTS = Pattern.compile(".*/test-classes/.*");

  private final JavaClasses classes =
      new ClassFileImporter()
          .withImportOption(location -> !location.matches(TESTS))
          .importPackages("dev.collimate");

  @Test
  void roomsKnowOnlyRoomsBeforeThem() {
    LayeredArchitecture rule =
        layeredArchitecture().consideringOnlyDependenciesInLayers().withOptionalLayers(true);
    for (List<String> level : ROOMS) {
      for (String room : level) {
        rule = rule.layer(room).definedBy("dev.collimate." + room + "..");
      }
    }
    List<String> before = new ArrayList<>();
    for (List<String> level : ROOMS) {
      for (String room : level) {
        rule =
            before.isEmpty()
                ? rule.whereLayer(room).mayNotAccessAnyLayer()
                : rule.whereLayer(room).mayOnlyAccessLayers(before.toArray(String[]::new));
      }
      before.addAll(level);
    }
    rule.check(classes);
  }

  @Test
  void everyPackageIsARoom() {
    List<String> rooms = ROOMS.stream().flatMap(List::stream).toList();
    assertThat(classes)
        .extracting(JavaClass::getPackageName)
        .filteredOn(name -> name.startsWith("dev.collimate."))
        .extracting(name -> name.split("\\.", -1)[2])
        .containsOnly(rooms.toArray(String[]::new));
  }

  @Test
  void roomsAreFreeOfCycles() {
    slices().matching("dev.collimate.(*)..").should().beFreeOfCycles().check(classes);
  }
}
