package dev.collimate.planted;

import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.toCollection;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The part of the guide that says what was measured, a line for each claim. */
final class GuideTable {

  private static final String FIRST = "<!-- planted effects: made by PlantedEffectsTest -->\n";
  private static final String LAST = "<!-- end of planted effects -->";
  private static final String NOT_MEASURED = " not measured | | | |";

  private static final String HEAD =
      """

      | objective | rows | measure | expected | measured | beside it | difference | appears |
      | --- | --- | --- | --- | --- | --- | --- | --- |
      """;

  private final Path page;

  GuideTable(Path page) {
    this.page = page;
  }

  /** Brings the lines of these findings up to date, and keeps the others. */
  void write(List<Claim> claims, List<Findings> findings) throws IOException {
    Map<String, String> lines = lines(claims);
    findings.forEach(found -> lines.put(found.claim().cells(), found.line()));
    String text = Files.readString(page);
    String before = text.substring(0, begin(text));
    Files.writeString(page, before + text(claims, lines) + text.substring(end(text)));
  }

  /** Those that the part has no numbers of. */
  List<Claim> unmeasured(List<Claim> claims) throws IOException {
    Map<String, String> lines = lines(claims);
    return claims.stream()
        .filter(claim -> lines.getOrDefault(claim.cells(), NOT_MEASURED).endsWith(NOT_MEASURED))
        .toList();
  }

  /** The part as it is to be, with the numbers that it has. */
  String expected(List<Claim> claims) throws IOException {
    return text(claims, lines(claims));
  }

  /** The part as it is. */
  String part() throws IOException {
    String text = Files.readString(page);
    return text.substring(begin(text), end(text));
  }

  private static int begin(String text) {
    return text.indexOf(FIRST) + FIRST.length();
  }

  private static int end(String text) {
    return text.indexOf(LAST);
  }

  /** The lines that are there, by the cells that say what is claimed. */
  private Map<String, String> lines(List<Claim> claims) throws IOException {
    Map<String, String> lines = new LinkedHashMap<>();
    List<String> present = part().lines().toList();
    for (Claim claim : claims) {
      present.stream()
          .filter(line -> line.startsWith(claim.cells()))
          .forEach(line -> lines.put(claim.cells(), line));
    }
    return lines;
  }

  private static String text(List<Claim> claims, Map<String, String> lines) {
    StringBuilder text = new StringBuilder(HEAD);
    for (Claim claim : claims) {
      text.append(lines.getOrDefault(claim.cells(), claim.cells() + NOT_MEASURED)).append('\n');
    }
    text.append("\nThe measures: ");
    text.append(
        claims.stream()
            .map(Claim::measure)
            .collect(toCollection(() -> EnumSet.noneOf(Measure.class)))
            .stream()
            .map(measure -> "*" + measure + "*, " + measure.text())
            .collect(joining("; ")));
    text.append(".\n\nThe rows:\n\n");
    List<Scenario> scenarios = new ArrayList<>();
    claims.forEach(claim -> scenarios.addAll(claim.scenarios()));
    scenarios.stream()
        .collect(toCollection(() -> EnumSet.noneOf(Scenario.class)))
        .forEach(rows -> text.append("- *%s*: %s.\n".formatted(rows, rows.text())));
    return text.append('\n').toString();
  }
}
