package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.text.FurtherSequence;
import dev.collimate.text.NumberColumn;
import dev.collimate.text.RowColumns;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * What an objective needs, so that the trainer can supply it without knowing the objective.
 *
 * @param name as in the run file
 * @param sequences roles of the token sequences of every row, such as {@code chosen}
 * @param columns columns of the rows that it reads beside those of its sequences
 * @param scores numbers of every sequence that it reads of a reward model; 0 where it reads a
 *     language model's log-probabilities
 * @param quantities quantities of the policy: the log-probability and what is read beside it, or
 *     the scores alone
 * @param reference what is read of the reference model
 * @param gathers whether a first pass collects scalars of every row of the global batch
 * @param initialState numbers that persist between steps, as before the first step; may be empty
 * @param initialParameters parameters of the objective itself, trained with the model's; may be
 *     empty
 */
public record Declaration(
    String name,
    List<String> sequences,
    RowColumns columns,
    int scores,
    Set<Quantity> quantities,
    ReferenceUse reference,
    boolean gathers,
    List<Double> initialState,
    List<Double> initialParameters) {

  public Declaration {
    sequences = List.copyOf(sequences);
    EnumSet<Quantity> ordered = EnumSet.of(scores > 0 ? Quantity.SCORE : Quantity.LOG_PROB);
    ordered.addAll(quantities);
    quantities = Collections.unmodifiableSet(ordered);
    initialState = List.copyOf(initialState);
    initialParameters = List.copyOf(initialParameters);
  }

  /** An objective of the policy's log-probabilities alone. */
  public static Declaration of(String name, String... sequences) {
    return ofScores(name, 0, sequences);
  }

  /** An objective of a reward model that gives so many numbers for every sequence. */
  public static Declaration ofScores(String name, int scores, String... sequences) {
    return new Declaration(
        name,
        List.of(sequences),
        RowColumns.NONE,
        scores,
        Set.of(),
        ReferenceUse.NONE,
        false,
        List.of(),
        List.of());
  }

  /** What the loss is differentiated by. */
  public Quantity differentiable() {
    return scores > 0 ? Quantity.SCORE : Quantity.LOG_PROB;
  }

  /** Reads these columns of numbers too. */
  public Declaration withNumbers(NumberColumn... added) {
    return withColumns(columns.withNumbers(added));
  }

  /** Reads these columns of names too. */
  public Declaration withCategories(String... added) {
    return withColumns(columns.withCategories(added));
  }

  /** Reads these sequences too, beside those of its rows' shape. */
  public Declaration withSequences(FurtherSequence... added) {
    List<String> roles = new ArrayList<>(sequences);
    for (FurtherSequence sequence : added) {
      roles.add(sequence.role());
    }
    return new Declaration(
        name,
        roles,
        columns.withSequences(added),
        scores,
        quantities,
        reference,
        gathers,
        initialState,
        initialParameters);
  }

  private Declaration withColumns(RowColumns all) {
    return new Declaration(
        name,
        sequences,
        all,
        scores,
        quantities,
        reference,
        gathers,
        initialState,
        initialParameters);
  }

  public Declaration withQuantities(Quantity... added) {
    return new Declaration(
        name,
        sequences,
        columns,
        scores,
        Set.of(added),
        reference,
        gathers,
        initialState,
        initialParameters);
  }

  public Declaration withReference(ReferenceUse use) {
    return new Declaration(
        name,
        sequences,
        columns,
        scores,
        quantities,
        use,
        gathers,
        initialState,
        initialParameters);
  }

  /** Asks for the first pass over the global batch. */
  public Declaration withGather() {
    return new Declaration(
        name,
        sequences,
        columns,
        scores,
        quantities,
        reference,
        true,
        initialState,
        initialParameters);
  }

  public Declaration withState(Double... initial) {
    return new Declaration(
        name,
        sequences,
        columns,
        scores,
        quantities,
        reference,
        gathers,
        List.of(initial),
        initialParameters);
  }

  public Declaration withParameters(Double... initial) {
    return new Declaration(
        name,
        sequences,
        columns,
        scores,
        quantities,
        reference,
        gathers,
        initialState,
        List.of(initial));
  }
}
