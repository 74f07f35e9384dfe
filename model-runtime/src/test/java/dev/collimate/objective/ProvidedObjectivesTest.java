package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProvidedObjectivesTest {

  private static final List<ObjectiveSpec> BUILT = List.of(Sft.SPEC, Dpo.SPEC);

  @TempDir private Path jar;

  /** An objective with a name of its own. */
  public static final class Another implements ObjectiveProvider {
    @Override
    public ObjectiveSpec spec() {
      return new ObjectiveSpec("another", "0", "a test", List.of(), options -> new Sft());
    }
  }

  /** An objective with a name that is taken. */
  public static final class SecondDpo implements ObjectiveProvider {
    @Override
    public ObjectiveSpec spec() {
      return Dpo.SPEC;
    }
  }

  @Test
  void standAfterTheBuiltOnes() throws IOException {
    assertThat(load(Another.class.getName()))
        .extracting(ObjectiveSpec::name)
        .containsExactly("sft", "dpo", "another");
  }

  @Test
  void cannotTakeAName() {
    assertThatThrownBy(() -> load(SecondDpo.class.getName()))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "objective.name: 'dpo' of %s is taken by Collimate; give it another name"
                .formatted(SecondDpo.class.getName()));
  }

  @Test
  void mustBeThereToBeLoaded() {
    assertThatThrownBy(() -> load("org.example.Missing"))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("org.example.Missing")
        .hasMessageContaining("META-INF/services/" + ObjectiveProvider.class.getName());
  }

  private List<ObjectiveSpec> load(String provider) throws IOException {
    Path services = Files.createDirectories(jar.resolve("META-INF/services"));
    Files.writeString(services.resolve(ObjectiveProvider.class.getName()), provider);
    URL[] urls = {jar.toUri().toURL()};
    try (URLClassLoader loader = new URLClassLoader(urls, getClass().getClassLoader())) {
      return ProvidedObjectives.after(BUILT, loader);
    }
  }
}
