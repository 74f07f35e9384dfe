package dev.collimate.planted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.objective.ObjectiveSpec;
import dev.collimate.objective.Objectives;
import dev.collimate.planted.Claim.Setup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Does an objective do what is claimed for it? Every line of {@link Claims} is trained and
 * measured, at every seed; the table goes to {@code target/planted-effects.md} and to the output.
 */
class PlantedEffectsTest {

  private static final List<Long> SEEDS = List.of(1L, 2L, 3L, 4L, 5L);

  private static final Path TABLE = Path.of("target", "planted-effects.md");

  @TempDir private Path folder;

  @Test
  void everyObjectiveHasAClaim() {
    assertThat(Claims.all().stream().map(claim -> claim.treated().objective()).distinct())
        .containsExactlyInAnyOrderElementsOf(
            Stream.concat(Objectives.table().stream().map(ObjectiveSpec::name), Stream.of())
                .filter(name -> !name.equals("sft"))
                .toList());
    assertThat(
            Claims.all().stream()
                .filter(claim -> claim.treated().objective().equals("dpo"))
                .map(claim -> claim.treated().options().getOrDefault("loss_type", "sigmoid"))
                .distinct())
        .containsAll(
            Objectives.find("dpo")
                .orElseThrow()
                .option("loss_type")
                .orElseThrow()
                .supported()
                .stream()
                .filter(type -> !type.equals("sft"))
                .toList());
  }

  @Test
  void ranksOfTiesAreTheirMean() {
    assertThat(Measure.spearman(new double[] {1, 2, 2, 3}, new double[] {5, 7, 7, 9}))
        .isCloseTo(1, within(1e-12));
    assertThat(Measure.spearman(new double[] {1, 2, 3}, new double[] {3, 2, 1}))
        .isCloseTo(-1, within(1e-12));
  }

  /** A few steps of each kind of model, so that the slow run is known to run. */
  @Test
  void aFewStepsMoveTheModelTowardsTheTruth() throws IOException {
    try (Lab lab = new Lab(folder, 99, 20, 20)) {
      Setup dpo = new Setup("dpo", Map.of(), Scenario.SCORED);
      assertThat(Measure.ACCURACY.of(lab.train(dpo))).isGreaterThan(0.55);
      assertThat(Measure.UTILITY.of(lab.train(dpo))).isFinite();
      Setup reward = new Setup("reward", Map.of(), Scenario.SCORED);
      assertThat(Measure.ACCURACY.of(lab.train(reward))).isGreaterThan(0.55);
    }
  }

  @Test
  @Tag("slow")
  void theTable() throws IOException {
    Map<Setup, List<Measure>> measures = new LinkedHashMap<>();
    for (Claim claim : Claims.all()) {
      for (Setup setup : List.of(claim.treated(), claim.plain())) {
        measures.computeIfAbsent(setup, any -> new ArrayList<>()).add(claim.measure());
      }
    }
    Map<Setup, Map<Measure, List<Double>>> measured = new HashMap<>();
    for (long seed : SEEDS) {
      try (Lab lab = new Lab(folder.resolve("seed-" + seed), seed)) {
        for (Map.Entry<Setup, List<Measure>> entry : measures.entrySet()) {
          measure(lab, seed, entry.getKey(), entry.getValue(), measured);
        }
      }
    }
    List<String> lines = new ArrayList<>();
    lines.add(
        "| objective | rows | measure | expected | mean (sd) | beside it | difference ± standard error | appears |");
    lines.add("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for (Claim claim : Claims.all()) {
      Findings findings =
          new Findings(
              claim,
              measured.get(claim.treated()).get(claim.measure()),
              measured.get(claim.plain()).get(claim.measure()));
      lines.add(findings.line());
    }
    Files.createDirectories(TABLE.getParent());
    Files.write(TABLE, lines);
    lines.forEach(System.out::println);
  }

  private static void measure(
      Lab lab,
      long seed,
      Setup setup,
      List<Measure> measures,
      Map<Setup, Map<Measure, List<Double>>> measured)
      throws IOException {
    long begin = System.nanoTime();
    Outcome outcome = lab.train(setup);
    Map<Measure, List<Double>> ofSetup = measured.computeIfAbsent(setup, any -> new HashMap<>());
    Map<Measure, Double> values =
        measures.stream()
            .distinct()
            .collect(
                Collectors.toMap(
                    one -> one, one -> one.of(outcome), (a, b) -> a, LinkedHashMap::new));
    values.forEach(
        (one, value) -> ofSetup.computeIfAbsent(one, any -> new ArrayList<>()).add(value));
    System.out.printf(
        Locale.ROOT,
        "seed %d, %s on %s: %s, %.1f s%n",
        seed,
        setup.text(),
        setup.scenario(),
        values,
        (System.nanoTime() - begin) / 1e9);
  }
}
