package dev.collimate.train;

import dev.collimate.objective.RowFacts;
import dev.collimate.train.WorkItem.RowAddress;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The rows of a split as the driver knows them: what each weighs, and what the reference model says
 * of it.
 */
final class SplitRows {

  /** The reference model's summed log-probability of a role of a row. */
  @FunctionalInterface
  interface ReferenceSums {
    /** Where no objective reads the reference. */
    ReferenceSums NONE =
        (role, row) -> {
          throw new IllegalStateException("no reference log-probabilities were computed");
        };

    double sum(String role, int row);
  }

  private final dev.collimate.data.RowFacts facts;
  private final List<String> roles;
  private final List<String> scalars;
  private final boolean readsReference;
  private final ReferenceSums reference;

  SplitRows(
      dev.collimate.data.RowFacts facts,
      List<String> roles,
      List<String> scalars,
      ReferenceSums reference) {
    this.facts = facts;
    this.roles = roles;
    this.scalars = scalars;
    this.reference = reference;
    this.readsReference = reference != ReferenceSums.NONE;
  }

  int count() {
    return facts.count();
  }

  RowFacts facts(int row) {
    Map<String, Integer> tokens = new LinkedHashMap<>();
    roles.forEach(role -> tokens.put(role, facts.countedTokens(role, row)));
    double label =
        scalars.contains(RowFacts.LABEL) ? facts.scalar(RowFacts.LABEL, row) : Double.NaN;
    return new RowFacts(facts.keyHash(row).hex(), facts.weight(row), tokens, label);
  }

  List<RowFacts> facts(int[] rows) {
    return Arrays.stream(rows).mapToObj(this::facts).toList();
  }

  RowAddress address(int row, double[] given) {
    Map<String, Double> sums = new LinkedHashMap<>();
    if (readsReference) {
      roles.forEach(role -> sums.put(role, reference.sum(role, row)));
    }
    return new RowAddress(row, sums, given);
  }

  /** Tokens of the longest sequence of a row. */
  int longest(int row) {
    return roles.stream().mapToInt(role -> facts.length(role, row)).max().orElse(0);
  }

  /** Tokens that a micro-batch costs with padding: every sequence as long as the longest. */
  long paddedTokens(int[] rows) {
    long longest = Arrays.stream(rows).map(this::longest).max().orElse(0);
    return longest * rows.length * roles.size();
  }

  /** The same of all micro-batches of a step. */
  long paddedTokens(BatchPlan.Step step) {
    return step.microBatches().stream().mapToLong(this::paddedTokens).sum();
  }
}
