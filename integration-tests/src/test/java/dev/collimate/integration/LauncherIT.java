package dev.collimate.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("lines")
class LauncherIT {
  private final Launcher collimate = Launcher.ofBuild();

  @Test
  void versionNamesTheSparkLineOfTheJar() {
    Finished version = collimate.run("--version");

    assertThat(version.exitCode()).as(version.transcript()).isZero();
    assertThat(version.out()).anyMatch(line -> line.contains("Spark " + Launcher.sparkLine()));
    assertThat(version.err()).as("stderr").isEmpty();
  }

  @Test
  void helpListsCommandsAndExitCodes() {
    Finished help = collimate.run("--help");

    assertThat(help.exitCode()).as(help.transcript()).isZero();
    assertThat(help.out())
        .anyMatch(line -> line.startsWith("Usage: collimate"))
        .anyMatch(line -> line.startsWith("Exit codes: 0 done"));
    assertThat(help.err()).as("stderr").isEmpty();
  }

  @Test
  void unknownCommandIsWrongUsageInOneLine() {
    Finished wrong = collimate.run("frobnicate");

    assertThat(wrong.exitCode()).as(wrong.transcript()).isEqualTo(2);
    assertThat(wrong.out()).isEmpty();
    assertThat(wrong.err()).singleElement().asString().contains("frobnicate");
  }

  @Test
  void unsupportedSparkLineIsWrongUsageInOneLine() {
    Finished wrong = collimate.withEnvironment("COLLIMATE_SPARK_LINE", "3.4").run("--version");

    assertThat(wrong.exitCode()).isEqualTo(2);
    assertThat(wrong.err())
        .containsExactly("collimate: COLLIMATE_SPARK_LINE: must be 4.1 or 3.5, got '3.4'");
  }

  @Test
  void sparkHomeWithoutSparkIsWrongUsageInOneLine(@TempDir Path empty) {
    Finished wrong = collimate.withEnvironment("SPARK_HOME", empty.toString()).run("--version");

    assertThat(wrong.exitCode()).isEqualTo(2);
    assertThat(wrong.err())
        .singleElement()
        .asString()
        .startsWith("collimate: SPARK_HOME: '" + empty + "' holds no jars/spark-core_*.jar");
  }

  @ParameterizedTest
  @ValueSource(strings = {"spark.master yarn", "spark.master=yarn", " spark.master : yarn"})
  void aConfiguredMasterIsNotReplaced(String setting, @TempDir Path spark) throws IOException {
    Launcher onSpark =
        collimate.withEnvironment("SPARK_HOME", sayingWhatItIsGiven(spark).toString());
    Path defaults = Files.createDirectories(spark.resolve("conf")).resolve("spark-defaults.conf");

    Files.writeString(defaults, "# spark.master local\n");
    assertThat(onSpark.run("run", "dpo.yaml").out().get(0)).contains("--master local-cluster[2,");

    Files.writeString(defaults, setting + "\n");
    assertThat(onSpark.run("run", "dpo.yaml").out().get(0)).doesNotContain("--master");

    Path other = Files.move(defaults, spark.resolve("other.conf"));
    assertThat(
            onSpark
                .withSparkOptions("--properties-file", other.toString())
                .run("run", "dpo.yaml")
                .out()
                .get(0))
        .doesNotContain("--master");
  }

  /** Spark takes the last one. */
  @Test
  void aGivenMainClassStandsAfterTheLaunchersOwn(@TempDir Path spark) throws IOException {
    Finished submitted =
        collimate
            .withEnvironment("SPARK_HOME", sayingWhatItIsGiven(spark).toString())
            .withSparkOptions("--class", "org.example.Main")
            .run("run", "dpo.yaml");

    assertThat(submitted.out())
        .singleElement()
        .asString()
        .contains("--class dev.collimate.cli.Collimate", "--class org.example.Main")
        .matches(".*--class org[.]example[.]Main(?!.*--class).*");
  }

  /** A Spark whose spark-submit does nothing else. */
  private static Path sayingWhatItIsGiven(Path spark) throws IOException {
    Files.createDirectories(spark.resolve("jars"));
    Files.createFile(spark.resolve("jars/spark-core_2.13-" + Launcher.sparkLine() + ".1.jar"));
    Path submit = Files.createDirectories(spark.resolve("bin")).resolve("spark-submit");
    Files.writeString(submit, "#!/bin/sh\necho \"$@\"\n");
    assertThat(submit.toFile().setExecutable(true)).isTrue();
    return spark;
  }

  @Test
  void worksThroughLinksFromAnyDirectory(@TempDir Path elsewhere) throws IOException {
    Path bin = Files.createDirectory(elsewhere.resolve("bin dir"));
    Path direct = Files.createSymbolicLink(bin.resolve("direct"), collimate.script());
    Path relative = Files.createSymbolicLink(bin.resolve("relative"), Path.of("direct"));

    Finished version = collimate.withScript(relative).in(elsewhere).run("--version");

    assertThat(direct).exists();
    assertThat(version.exitCode()).as(version.transcript()).isZero();
  }
}
