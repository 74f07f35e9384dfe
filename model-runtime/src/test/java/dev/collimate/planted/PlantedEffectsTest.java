package dev.collimate.planted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.objective.ObjectiveSpec;
import dev.collimate.objective.Objectives;
import dev.collimate.planted.Claim.Setup;
import dev.collimate.text.RowShape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Does an objective do what is claimed for it? Every line of {@link Claims} is trained and
 * measured, at every seed, which takes forty minutes of one core; the guide has the table.
 */
class PlantedEffectsTest {

  private static final List<Long> SEEDS = List.of(1L, 2L, 3L, 4L, 5L);

  private static final Path PAGE = Path.of(System.getProperty("basedir", ".")).resolve("README.md");

  @TempDir private Path folder;

  @Test
  void everyObjectiveHasAClaim() {
    assertThat(Claims.all().stream().map(claim -> claim.treated().objective()).distinct())
        .as("objectives that have a line in %s", Claims.class)
        .containsExactlyInAnyOrderElementsOf(
            Objectives.table().stream()
                .map(ObjectiveSpec::name)
                .filter(name -> !Claims.NOT_PLANTED.contains(shape(name)))
                .filter(name -> !Claims.PLAIN.contains(name))
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

  private static RowShape shape(String objective) {
    return Objectives.create(objective, Map.of()).declaration().shape();
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
  void theGuideHasALineForEveryClaim() throws IOException {
    GuideTable guide = new GuideTable(PAGE);
    if (Boolean.getBoolean("collimate.write")) {
      guide.write(Claims.all(), List.of());
    }

    assertThat(guide.part())
        .as("%s; run theTable of %s with -Dcollimate.write=true", PAGE, getClass())
        .isEqualTo(guide.expected(Claims.all()));
  }

  /**
   * Prints the table, or of it what {@code -Dcollimate.planted} names: objectives, with commas;
   * with {@code -Dcollimate.planted.missing=true} what the guide has no numbers of. With {@code
   * -Dcollimate.write=true} the guide says it too.
   */
  @Test
  @Tag("slow")
  void theTable() throws IOException {
    String named = System.getProperty("collimate.planted", "");
    GuideTable guide = new GuideTable(PAGE);
    List<Claim> all = Claims.all();
    List<Claim> claims =
        (Boolean.getBoolean("collimate.planted.missing") ? guide.unmeasured(all) : all)
            .stream()
                .filter(
                    claim ->
                        named.isEmpty()
                            || List.of(named.split(",")).contains(claim.treated().objective()))
                .toList();
    assertThat(claims).as("claims for objectives named in '%s'", named).isNotEmpty();

    List<Findings> findings = new Effects(claims, SEEDS).run(folder);

    findings.forEach(found -> System.out.println(found.line()));
    if (Boolean.getBoolean("collimate.write")) {
      guide.write(all, findings);
    }
  }
}
