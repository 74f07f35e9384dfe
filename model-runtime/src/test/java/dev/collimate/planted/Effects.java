package dev.collimate.planted;

import dev.collimate.planted.Claim.Setup;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Trains what claims say at every seed, what several have in common once, and measures it. */
final class Effects {

  private final List<Claim> claims;
  private final List<Long> seeds;
  private final Map<Setup, Set<Measure>> measures = new LinkedHashMap<>();
  private final Map<Setup, Map<Measure, List<Double>>> measured = new HashMap<>();

  Effects(List<Claim> claims, List<Long> seeds) {
    this.claims = List.copyOf(claims);
    this.seeds = List.copyOf(seeds);
    for (Claim claim : claims) {
      for (Setup setup : List.of(claim.treated(), claim.plain())) {
        measures.computeIfAbsent(setup, any -> new LinkedHashSet<>()).add(claim.measure());
      }
    }
  }

  /**
   * Says every training as it ends.
   *
   * @param folder for models
   */
  List<Findings> run(Path folder) throws IOException {
    for (long seed : seeds) {
      try (Lab lab = new Lab(folder.resolve("seed-" + seed), seed)) {
        for (Setup setup : measures.keySet()) {
          measure(lab, seed, setup);
        }
      }
    }
    return claims.stream()
        .map(
            claim ->
                new Findings(
                    claim,
                    measured.get(claim.treated()).get(claim.measure()),
                    measured.get(claim.plain()).get(claim.measure())))
        .toList();
  }

  private void measure(Lab lab, long seed, Setup setup) throws IOException {
    long begin = System.nanoTime();
    Outcome outcome = lab.train(setup);
    StringBuilder said = new StringBuilder();
    for (Measure measure : measures.get(setup)) {
      double value = measure.of(outcome);
      measured
          .computeIfAbsent(setup, any -> new HashMap<>())
          .computeIfAbsent(measure, any -> new ArrayList<>())
          .add(value);
      said.append(String.format(Locale.ROOT, ", %s %.6f", measure, value));
    }
    System.out.printf(
        Locale.ROOT,
        "seed %d, %s, %s%s (%.1f s)%n",
        seed,
        setup.text(),
        setup.scenario(),
        said,
        (System.nanoTime() - begin) / 1e9);
  }
}
