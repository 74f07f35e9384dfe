package dev.collimate.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The table of rewards, with those of a jar that another class loader holds. */
class RewardFunctionsTest {

  private static final Set<String> OF_EVERY_REWARD =
      Set.of("name", "label", "weight", "timeout", "batch_size", "concurrency");

  @TempDir private Path folder;

  /** A provider, as a user writes it. */
  public static final class Shouts implements RewardProvider {
    @Override
    public RewardSpec spec() {
      return RewardSpec.pure(
          "shouts",
          "1 where it shouts.",
          "Test",
          options -> List.of(),
          List.of(),
          List.of(),
          options -> (batch, row) -> RowFunction.oneIf(batch.completions().get(row).endsWith("!")));
    }
  }

  /** A provider whose name is taken. */
  public static final class Regex implements RewardProvider {
    @Override
    public RewardSpec spec() {
      return PatternReward.REGEX;
    }
  }

  /** A function without options, as a user writes it. */
  public static final class Always implements RewardFunction {
    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
      return batch.completions().stream().map(completion -> OptionalDouble.of(1)).toList();
    }
  }

  /** No reward. */
  public static final class Nothing {}

  /** A function that cannot be made. */
  public static final class Picky implements RewardFunction {
    public Picky() {
      throw new IllegalStateException("not today");
    }

    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
      return List.of();
    }
  }

  @Test
  void namesAndOptionsOfBuiltOnesAreNamesOfKeys() {
    Set<String> names = new HashSet<>();
    for (RewardSpec spec : RewardFunctions.built()) {
      assertThat(spec.name()).matches("[a-z_]+");
      assertThat(names.add(spec.name())).isTrue();
      spec.options()
          .forEach(option -> assertThat(option.name()).matches("[a-z_]+").isNotIn(OF_EVERY_REWARD));
    }
  }

  @Test
  void aJarsProviderIsFoundByItsName() throws IOException {
    try (URLClassLoader jar = jar(Shouts.class, Shouts.class.getName())) {
      List<RewardSpec> table = RewardFunctions.withProvided(RewardFunctions.built(), jar);
      assertThat(table).hasSize(RewardFunctions.built().size() + 1);
      assertThat(table.get(table.size() - 1).name()).isEqualTo("shouts");
    }
  }

  @Test
  void aNameThatIsTakenIsRefused() throws IOException {
    try (URLClassLoader jar = jar(Regex.class, Regex.class.getName())) {
      assertThatThrownBy(() -> RewardFunctions.withProvided(RewardFunctions.built(), jar))
          .isInstanceOf(CollimateException.class)
          .hasMessage(
              "rewards: 'regex' of dev.collimate.reward.RewardFunctionsTest$Regex is taken by Collimate; give it another name");
    }
  }

  @Test
  void aProviderThatIsNotThereIsRefused() throws IOException {
    try (URLClassLoader jar = jar(Shouts.class, "org.example.Gone")) {
      assertThatThrownBy(() -> RewardFunctions.withProvided(RewardFunctions.built(), jar))
          .isInstanceOf(CollimateException.class)
          .hasMessageContaining("a reward of a jar given with --jars cannot be loaded")
          .hasMessageContaining("org.example.Gone")
          .hasMessageContaining("META-INF/services/dev.collimate.reward.RewardProvider");
    }
  }

  @Test
  void aClassIsFoundByItsName() throws Exception {
    RewardSpec function = RewardFunctions.find(Always.class.getName()).orElseThrow();
    assertThat(
            function
                .create()
                .apply(
                    RewardFunctions.options(function, function.defaults()), RewardRows.NO_CONTEXT)
                .get()
                .score(RewardBatch.of(RewardRows.rows(2))))
        .containsExactly(OptionalDouble.of(1), OptionalDouble.of(1));
    assertThat(RewardFunctions.find(Shouts.class.getName()).orElseThrow().name())
        .isEqualTo("shouts");
    assertThat(RewardFunctions.find("org.example.Gone")).isEmpty();
    assertThat(RewardFunctions.find("gone")).isEmpty();
  }

  @Test
  void aClassThatIsNoRewardOrCannotBeMadeIsRefused() {
    assertThatThrownBy(() -> RewardFunctions.find(Nothing.class.getName()))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "rewards: class dev.collimate.reward.RewardFunctionsTest$Nothing is neither a dev.collimate.reward.RewardFunction nor a dev.collimate.reward.RewardProvider");
    assertThatThrownBy(() -> RewardFunctions.find(Picky.class.getName()))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("cannot make a dev.collimate.reward.RewardFunctionsTest$Picky")
        .hasMessageContaining("not today");
  }

  /** A jar that names a provider, above the classes of the tests. */
  private URLClassLoader jar(Class<?> holds, String names) throws IOException {
    Path path = folder.resolve("own.jar");
    try (OutputStream file = Files.newOutputStream(path);
        JarOutputStream jar = new JarOutputStream(file)) {
      jar.putNextEntry(new JarEntry("META-INF/services/" + RewardProvider.class.getName()));
      jar.write(names.getBytes(StandardCharsets.UTF_8));
      jar.closeEntry();
      String name = holds.getName().replace('.', '/') + ".class";
      jar.putNextEntry(new JarEntry(name));
      try (var in = holds.getClassLoader().getResourceAsStream(name)) {
        in.transferTo(jar);
      }
      jar.closeEntry();
    }
    return new URLClassLoader(new URL[] {path.toUri().toURL()}, getClass().getClassLoader());
  }
}
