package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.text.FurtherSequence;
import dev.collimate.text.NumberColumn;
import dev.collimate.text.RowColumns;
import dev.collimate.text.RowShape;
import dev.collimate.text.TokenMarks;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * What an objective needs, so that the trainer can supply it without knowing the objective.
 *
 * @param name as in the run file
 * @param shape the kind of row that it learns from
 * @param sequences roles of the token sequences that {@link Objective#row} reads of every row, such
 *     as {@code chosen}
 * @param countsPrompt whether, beside the completions' tokens, those of the prompt count in the
 *     sequence to imitate ({@code completion} or {@code chosen})
 * @param columns columns of the rows that it reads beside those of its sequences
 * @param scores numbers of every sequence that it reads of a reward model; 0 where it reads a
 *     language model's log-probabilities
 * @param quantities quantities of the policy: the log-probability and what is read beside it, or
 *     the scores alone
 * @param learned those of the quantities that are learned beside the log-probability or the scores
 * @param reference what is read of the reference model
 * @param sync how the reference follows the policy; empty where it stays
 * @param progression the order of training by a column; empty where rows are mixed
 * @param unreferenced roles of sequences of which the reference is not read all the same
 * @param gathered roles of the sequences that {@link Objective#gather} reads of every row of the
 *     global batch, in a pass before the first gradient; empty where there is no such pass
 * @param gatheredQuantities what it reads of them beside the log-probability
 * @param initialState numbers that persist between steps, as before the first step; may be empty
 * @param initialParameters parameters of the objective itself, trained with the model's; may be
 *     empty
 */
public record Declaration(
    String name,
    RowShape shape,
    List<String> sequences,
    boolean countsPrompt,
    RowColumns columns,
    int scores,
    Set<Quantity> quantities,
    Set<Quantity> learned,
    ReferenceUse reference,
    Optional<ReferenceSync> sync,
    Optional<Progression> progression,
    List<String> unreferenced,
    List<String> gathered,
    Set<Quantity> gatheredQuantities,
    List<Double> initialState,
    List<Double> initialParameters) {

  /**
   * The role of a sequence that the data stage makes where it is asked for: the row's prompt, then
   * the completion of a row with another prompt.
   */
  public static final String MISMATCHED = "kl";

  public Declaration {
    sequences = List.copyOf(sequences);
    EnumSet<Quantity> ordered = EnumSet.of(scores > 0 ? Quantity.SCORE : Quantity.LOG_PROB);
    ordered.addAll(quantities);
    ordered.addAll(learned);
    learned = Set.copyOf(learned);
    quantities = Collections.unmodifiableSet(ordered);
    unreferenced = List.copyOf(unreferenced);
    gathered = List.copyOf(gathered);
    gatheredQuantities = Set.copyOf(gatheredQuantities);
    initialState = List.copyOf(initialState);
    initialParameters = List.copyOf(initialParameters);
  }

  /**
   * An objective of the policy's log-probabilities alone, on pairs where it reads {@code rejected},
   * else on demonstrations.
   */
  public static Declaration of(String name, String... sequences) {
    List<String> roles = List.of(sequences);
    RowShape shape = roles.contains("rejected") ? RowShape.PREFERENCE : RowShape.DEMONSTRATION;
    return of(name, shape, /* scores= */ 0, roles);
  }

  /** An objective of a reward model that gives so many numbers for every sequence. */
  public static Declaration ofScores(String name, int scores, String... sequences) {
    return of(name, RowShape.REWARD, scores, List.of(sequences));
  }

  private static Declaration of(String name, RowShape shape, int scores, List<String> sequences) {
    return new Declaration(
        name,
        shape,
        sequences,
        /* countsPrompt= */ false,
        RowColumns.NONE,
        scores,
        Set.of(),
        Set.of(),
        ReferenceUse.NONE,
        Optional.empty(),
        Optional.empty(),
        List.of(),
        List.of(),
        Set.of(),
        List.of(),
        List.of());
  }

  /** Every sequence that a row must have. */
  public List<String> roles() {
    Set<String> roles = new LinkedHashSet<>(sequences);
    roles.addAll(gathered);
    return List.copyOf(roles);
  }

  /** The sequences of which the reference model's log-probabilities are read. */
  public List<String> referenced() {
    return reference == ReferenceUse.NONE
        ? List.of()
        : roles().stream().filter(role -> !unreferenced.contains(role)).toList();
  }

  /** Whether there is a pass over the global batch before the first gradient. */
  public boolean gathers() {
    return !gathered.isEmpty();
  }

  /** Whether the rows are prompts, which the policy completes in training. */
  public boolean isOnline() {
    return shape == RowShape.PROMPT;
  }

  /** What the loss is differentiated by first of all. */
  public Quantity differentiable() {
    return scores > 0 ? Quantity.SCORE : Quantity.LOG_PROB;
  }

  public Declaration withShape(RowShape rows) {
    return with(draft -> draft.shape = rows);
  }

  /** Counts the prompt's tokens too, in the sequence to imitate. */
  public Declaration withPrompt() {
    return with(draft -> draft.countsPrompt = true);
  }

  /** Reads these columns of numbers too. */
  public Declaration withNumbers(NumberColumn... added) {
    return with(draft -> draft.columns = columns.withNumbers(added));
  }

  /** Reads these columns of names too. */
  public Declaration withCategories(String... added) {
    return with(draft -> draft.columns = columns.withCategories(added));
  }

  /** Reads these sequences too, beside those of its rows' shape. */
  public Declaration withSequences(FurtherSequence... added) {
    List<String> roles = new ArrayList<>(sequences);
    for (FurtherSequence sequence : added) {
      roles.add(sequence.role());
    }
    return with(
        draft -> {
          draft.sequences = roles;
          draft.columns = columns.withSequences(added);
        });
  }

  /** Reads how much the tokens of these sequences matter. */
  public Declaration withMarks(TokenMarks... added) {
    return with(draft -> draft.columns = columns.withMarks(added));
  }

  /** Has rows of prompts hold these sequences too, which stand beside the completions. */
  Declaration withAnswers(FurtherSequence... added) {
    return with(draft -> draft.columns = columns.withSequences(added));
  }

  public Declaration withQuantities(Quantity... added) {
    return with(draft -> draft.quantities = Set.of(added));
  }

  /** Learns these quantities too, beside the log-probability. */
  public Declaration withLearned(Quantity... added) {
    return with(draft -> draft.learned = Set.of(added));
  }

  public Declaration withReference(ReferenceUse use) {
    return with(draft -> draft.reference = use);
  }

  public Declaration withSync(Optional<ReferenceSync> following) {
    return with(draft -> draft.sync = following);
  }

  /** Trains in this order. */
  public Declaration withProgression(Optional<Progression> order) {
    return with(draft -> draft.progression = order);
  }

  /** Does not read the reference of this sequence. */
  public Declaration withoutReferenceOf(String role) {
    List<String> all = new ArrayList<>(unreferenced);
    all.add(role);
    return with(draft -> draft.unreferenced = all);
  }

  /** Puts a column's text before the prompt, where the row has one; empty: none. */
  public Declaration withContext(String column) {
    return with(draft -> draft.columns = columns.withContext(column));
  }

  /** Asks for the first pass over the global batch, of the sequences that are read so far. */
  public Declaration withGather() {
    return with(draft -> draft.gathered = sequences);
  }

  /** Asks for the first pass over the global batch, of these sequences. */
  public Declaration withGather(String... roles) {
    return with(draft -> draft.gathered = List.of(roles));
  }

  /** Reads these quantities in the first pass too, beside the log-probability. */
  public Declaration withGathered(Quantity... added) {
    return with(draft -> draft.gatheredQuantities = Set.of(added));
  }

  public Declaration withState(Double... initial) {
    return with(draft -> draft.initialState = List.of(initial));
  }

  public Declaration withParameters(Double... initial) {
    return with(draft -> draft.initialParameters = List.of(initial));
  }

  private Declaration with(Consumer<Draft> change) {
    Draft draft = new Draft(this);
    change.accept(draft);
    return draft.declaration();
  }

  /** A declaration while it is put together. */
  private static final class Draft {
    private final String name;
    private final int scores;
    private RowShape shape;
    private List<String> sequences;
    private boolean countsPrompt;
    private RowColumns columns;
    private Set<Quantity> quantities;
    private Set<Quantity> learned;
    private ReferenceUse reference;
    private Optional<ReferenceSync> sync;
    private Optional<Progression> progression;
    private List<String> unreferenced;
    private List<String> gathered;
    private Set<Quantity> gatheredQuantities;
    private List<Double> initialState;
    private List<Double> initialParameters;

    Draft(Declaration from) {
      name = from.name;
      scores = from.scores;
      shape = from.shape;
      sequences = from.sequences;
      countsPrompt = from.countsPrompt;
      columns = from.columns;
      quantities = from.quantities;
      learned = from.learned;
      reference = from.reference;
      sync = from.sync;
      progression = from.progression;
      unreferenced = from.unreferenced;
      gathered = from.gathered;
      gatheredQuantities = from.gatheredQuantities;
      initialState = from.initialState;
      initialParameters = from.initialParameters;
    }

    Declaration declaration() {
      return new Declaration(
          name,
          shape,
          sequences,
          countsPrompt,
          columns,
          scores,
          quantities,
          learned,
          reference,
          sync,
          progression,
          unreferenced,
          gathered,
          gatheredQuantities,
          initialState,
          initialParameters);
    }
  }
}
