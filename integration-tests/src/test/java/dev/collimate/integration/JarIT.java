package dev.collimate.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("lines")
class JarIT {
  /** DJL and JNA have native libraries that look classes up by name, so they keep theirs. */
  private static final Pattern OURS =
      Pattern.compile("(dev/collimate|ai/djl|com/sun/jna)/.*\\.class");

  private final Path jar =
      Launcher.root()
          .resolve("spark-jobs/target/spark-" + Launcher.sparkLine())
          .resolve("collimate-0.1.0-spark-" + Launcher.sparkLine() + ".jar");

  @Test
  void everyLibraryIsRelocatedAndSparkIsNotInside() throws IOException {
    try (JarFile file = new JarFile(jar.toFile())) {
      assertThat(file.stream().map(JarEntry::getName))
          .filteredOn(name -> name.endsWith(".class"))
          .allMatch(name -> OURS.matcher(name).matches());
    }
  }

  @Test
  void nothingSignedOrModularIsLeft() throws IOException {
    try (JarFile file = new JarFile(jar.toFile())) {
      assertThat(file.stream().map(JarEntry::getName))
          .noneMatch(name -> name.matches("META-INF/[^/]+\\.(SF|DSA|RSA)"))
          .noneMatch(name -> name.endsWith("module-info.class"));
    }
  }

  @Test
  void manifestNamesTheMainClassAndTheSparkLine() throws IOException {
    try (JarFile file = new JarFile(jar.toFile())) {
      Attributes manifest = file.getManifest().getMainAttributes();

      assertThat(manifest.getValue("Main-Class")).isEqualTo("dev.collimate.cli.Collimate");
      assertThat(manifest.getValue("Spark-Line")).isEqualTo(Launcher.sparkLine());
    }
  }
}
