package dev.collimate.objective;

import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.Fixtures;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;

/**
 * The file of losses and gradients that TRL's own code gave on given log-probabilities, rewards and
 * logits. A test over a section runs every name the section expects: nothing is left out in
 * silence.
 */
final class LossFixtures {

  /** Relative to the larger of 1 and the expected number. */
  static final double FLOAT64 = 1e-6;

  /** Of an entry that TRL computed in float32. */
  static final double FLOAT32 = 1e-5;

  private LossFixtures() {}

  /** Checks one expected entry of a case. */
  @FunctionalInterface
  interface Check {
    void run(SoftAssertions softly, JsonNode fixture, JsonNode expected);
  }

  /** Says how a name is checked; empty for names that no objective here answers to. */
  @FunctionalInterface
  interface Checks {
    Optional<Check> of(String name);
  }

  /** The cases of a section; the test is skipped, saying so, where there is no file. */
  static List<JsonNode> section(String name) {
    try {
      JsonNode section = Fixtures.json("losses/losses.json").get(name);
      return StreamSupport.stream(section.spliterator(), false).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A test of every expected name of every case of a section; a name without a check fails. */
  static Stream<DynamicTest> tests(String section, Checks checks) {
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode fixture : section(section)) {
      JsonNode expected = fixture.get("expected");
      for (String name : names(expected)) {
        tests.add(
            DynamicTest.dynamicTest(
                fixture.get("id").asText() + " " + name,
                () -> run(fixture, name, expected.get(name), checks)));
      }
    }
    return tests.stream();
  }

  /** A check that reports its test as skipped, by name. */
  static Check skipped(String why) {
    return (softly, fixture, expected) -> Assumptions.abort("skipped: " + why);
  }

  private static void run(JsonNode fixture, String name, JsonNode expected, Checks checks) {
    Check check =
        checks
            .of(name)
            .orElseThrow(() -> new AssertionError("no objective answers to '" + name + "'"));
    SoftAssertions softly = new SoftAssertions();
    check.run(softly, fixture, expected);
    softly.assertAll();
  }

  private static List<String> names(JsonNode node) {
    List<String> names = new ArrayList<>();
    node.fieldNames().forEachRemaining(names::add);
    return names;
  }

  /** How near a number of this entry must be. */
  static double tolerance(JsonNode entry) {
    return entry.path("computed_in").asText().equals("float32") ? FLOAT32 : FLOAT64;
  }

  static void near(SoftAssertions softly, String what, double actual, JsonNode expected) {
    near(softly, what, actual, expected.asDouble(), FLOAT64);
  }

  static void near(
      SoftAssertions softly, String what, double actual, double expected, double tolerance) {
    softly
        .assertThat(actual)
        .as(what)
        .isCloseTo(expected, within(tolerance * Math.max(1, Math.abs(expected))));
  }

  /** A float32 tensor of the file beside, flattened. */
  static float[] tensor(String name) {
    try {
      ByteBuffer bytes =
          ByteBuffer.wrap(Files.readAllBytes(Fixtures.path("losses/losses.safetensors")))
              .order(ByteOrder.LITTLE_ENDIAN);
      int headerLength = Math.toIntExact(bytes.getLong(0));
      JsonNode header = new ObjectMapper().readTree(bytes.array(), 8, headerLength);
      JsonNode offsets = header.get(name).get("data_offsets");
      float[] values = new float[(offsets.get(1).asInt() - offsets.get(0).asInt()) / 4];
      bytes.position(8 + headerLength + offsets.get(0).asInt());
      bytes.asFloatBuffer().get(values);
      return values;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
