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
import java.util.List;
import java.util.Map;
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
            Objectives.table().stream()
                .map(ObjectiveSpec::name)
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
    List<String> lines = new ArrayList<>();
    lines.add(
        "| objective | rows | measure | expected | mean (sd) | beside it | difference ± standard error | appears |");
    lines.add("| --- | --- | --- | --- | --- | --- | --- | --- |");
    new Effects(Claims.all(), SEEDS).run(folder).forEach(findings -> lines.add(findings.line()));
    Files.createDirectories(TABLE.getParent());
    Files.write(TABLE, lines);
    lines.forEach(System.out::println);
  }
}
