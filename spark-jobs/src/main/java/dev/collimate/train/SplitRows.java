package dev.collimate.train;

import dev.collimate.nn.DecoderOptions.Sharing;
import dev.collimate.objective.RowFacts;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.objective.TrainingRows;
import dev.collimate.train.WorkItem.RowAddress;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The rows of a split as the driver knows them: what each weighs, and what the reference model says
 * of it.
 */
final class SplitRows implements TrainingRows {

  /** The reference model's log-probabilities of roles of a row. */
  @FunctionalInterface
  interface References {
    /** Where no objective reads the reference. */
    References NONE = (roles, row) -> Reference.NONE;

    Reference of(List<String> roles, int row);
  }

  private final dev.collimate.data.RowFacts facts;
  private final List<String> roles;
  private final List<String> scalars;
  private final References references;
  private final boolean sharesPrefixes;

  /**
   * @param sharing how the policy computes the rows
   */
  SplitRows(
      dev.collimate.data.RowFacts facts,
      List<String> roles,
      List<String> scalars,
      References references,
      Sharing sharing) {
    this.facts = facts;
    this.roles = roles;
    this.scalars = scalars;
    this.references = references;
    this.sharesPrefixes = sharing == Sharing.PREFIXES && roles.size() > 1;
  }

  @Override
  public int count() {
    return facts.count();
  }

  @Override
  public double scalar(String column, int row) {
    return facts.scalar(column, row);
  }

  @Override
  public RowFacts facts(int row) {
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
    return new RowAddress(row, references.of(roles, row), given);
  }

  /**
   * The length by which rows share micro-batches: tokens of a row's longest sequence, to which the
   * others are padded; of all that is computed for it where its sequences share their prompt.
   */
  int length(int row) {
    return sharesPrefixes
        ? roles.stream().mapToInt(role -> facts.length(role, row)).sum()
            - (roles.size() - 1) * facts.sharedTokens(row)
        : roles.stream().mapToInt(role -> facts.length(role, row)).max().orElse(0);
  }

  /**
   * Tokens that a micro-batch costs: every sequence as long as the longest; where prompts are
   * shared rows are packed, without padding.
   */
  long computedTokens(int[] rows) {
    return sharesPrefixes
        ? Arrays.stream(rows).mapToLong(this::length).sum()
        : Arrays.stream(rows).mapToLong(this::length).max().orElse(0) * rows.length * roles.size();
  }

  /** The same of all micro-batches of a step. */
  long computedTokens(BatchPlan.Step step) {
    return step.microBatches().stream().mapToLong(this::computedTokens).sum();
  }
}
