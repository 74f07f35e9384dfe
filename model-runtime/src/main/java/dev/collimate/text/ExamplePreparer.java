package dev.collimate.text;

import dev.collimate.CollimateException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Turns rows into examples: finds the row's shape, tokenizes, splits prompt from completion, sets
 * loss masks and cuts. Which columns make which shape is TRL's; see the data section of the guide.
 * May be used by several threads.
 */
public final class ExamplePreparer {

  private static final List<String> COMMON_COLUMNS =
      List.of("prompt", "prompt_input_ids", "tools", "chat_template_kwargs", "weight");

  private final TextTools tools;
  private final PreparerConfig config;

  /**
   * What turns text into tokens, as far as it is there.
   *
   * @param location where the tokenizer lies, for messages
   */
  record TextTools(
      Optional<TextEncoder> encoder, Optional<ChatTemplate> template, String location) {}

  /**
   * A preparer with the tokenizer's own chat template.
   *
   * @param tokenizer may be left out where all rows are tokenized already
   * @throws CollimateException of kind USAGE where the configuration needs generation markers that
   *     the chat template does not have
   */
  public ExamplePreparer(Optional<Tokenizer> tokenizer, PreparerConfig config) {
    this(tokenizer, tokenizer.flatMap(Tokenizer::chatTemplate), config);
  }

  /** A preparer with another chat template. */
  public ExamplePreparer(Tokenizer tokenizer, ChatTemplate template, PreparerConfig config) {
    this(Optional.of(tokenizer), Optional.of(template), config);
  }

  private ExamplePreparer(
      Optional<Tokenizer> tokenizer, Optional<ChatTemplate> template, PreparerConfig config) {
    if (config.assistantOnlyLoss()
        && !template.map(ChatTemplate::hasGenerationMarkers).orElse(false)) {
      throw CollimateException.usage(
          "objective.assistant_only_loss: needs a chat template with {% generation %} markers, which "
              + tokenizer.map(t -> "that of " + t.location() + " has not").orElse("is not there"));
    }
    this.config = config;
    tools =
        new TextTools(
            tokenizer.map(t -> new TextEncoder(t, config)),
            template,
            tokenizer.map(Tokenizer::location).orElse("no folder"));
  }

  private ExamplePreparer(TextTools tools, PreparerConfig config) {
    this.tools = tools;
    this.config = config;
  }

  /** The same for rows that bring no completions, such as prompts that are held out. */
  public ExamplePreparer withoutCompletions() {
    RowColumns columns = config.columns().withCompletions(GivenCompletions.NONE);
    return new ExamplePreparer(tools, config.withColumns(columns));
  }

  /**
   * The completions that a row brings along.
   *
   * @param row one that was prepared
   * @throws IllegalArgumentException where it could not be
   */
  public List<GivenCompletion> completions(Map<String, ?> row) {
    try {
      return new RowPreparation(new RowReader(row), tools, config).givenCompletions();
    } catch (Refusal refusal) {
      throw new IllegalArgumentException(refusal.getMessage(), refusal);
    }
  }

  /**
   * Prepares one row.
   *
   * @param row columns by name: String, Long, Integer, Double, Boolean, int[], lists and maps of
   *     these, or null
   * @throws CollimateException of kind DATA where no row of this kind can be prepared: there is
   *     text but no tokenizer, a conversation but no chat template, or a boundary merge that is to
   *     end the run
   */
  public Prepared prepare(Map<String, ?> row) {
    try {
      RowReader reader = new RowReader(row);
      Optional<String> id = reader.id();
      return prepare(reader, id.orElseGet(() -> columnsHash(row)), id.isPresent());
    } catch (Refusal refusal) {
      return refusal.prepared();
    }
  }

  /**
   * Prepares a row that may be several: where the objective learns from judged completions, a pair
   * becomes a desirable row and an undesirable one, whose keys are the pair's with {@code #chosen}
   * and {@code #rejected}.
   *
   * @return one result, or those of both sides; one where the pair as such cannot be used
   * @throws CollimateException as {@link #prepare}
   */
  public List<Prepared> prepareAll(Map<String, ?> row) {
    RowReader pair = new RowReader(row);
    if (config.shape() != RowShape.UNPAIRED || !Unpairing.isPair(pair)) {
      return List.of(prepare(row));
    }
    try {
      Optional<String> id = pair.id();
      String key = id.orElseGet(() -> RowHash.ofColumns(row, columnsUsed(RowShape.PREFERENCE)));
      List<Prepared> prepared = new ArrayList<>();
      for (Unpairing.Half half : Unpairing.of(pair, row)) {
        RowReader reader = new RowReader(half.columns());
        prepared.add(prepare(reader, key + half.suffix(), id.isPresent()));
      }
      return prepared;
    } catch (Refusal refusal) {
      return List.of(refusal.prepared());
    }
  }

  private Prepared prepare(RowReader given, String key, boolean hasOwnKey) {
    try {
      RowReader reader =
          config.shape() == RowShape.RANKED
              ? given.withResponses(config.columns().sequences().size())
              : given;
      double weight = reader.weight();
      RowPreparation.Draft draft = new RowPreparation(reader, tools, config).draft();
      SideCutter cutter = new SideCutter(config, draft.notes(), reader::name);
      Map<String, Sequence> sequences = new LinkedHashMap<>();
      for (Map.Entry<String, Encoded> side : draft.sides().entrySet()) {
        sequences.put(side.getKey(), cutter.cut(side.getKey(), side.getValue()));
      }
      Example example =
          new Example(key, RowHash.ofSequences(sequences), weight, sequences, draft.scalars());
      return new Prepared.Ready(example, hasOwnKey, draft.categories(), draft.notes());
    } catch (Refusal refusal) {
      return refusal.prepared();
    }
  }

  /**
   * Hash of the columns that are used, in hexadecimal: the key of a row without {@code id}. Rows
   * that differ in other columns alone share it.
   */
  public String columnsHash(Map<String, ?> row) {
    return RowHash.ofColumns(row, columnsUsed(config.shape()));
  }

  private List<String> columnsUsed(RowShape shape) {
    List<String> own =
        switch (shape) {
          case DEMONSTRATION, SCORED ->
              List.of("completion", "completion_input_ids", "messages", "conversations", "text");
          case PREFERENCE, REWARD ->
              List.of("chosen", "rejected", "chosen_input_ids", "rejected_input_ids");
          case TRIPLE ->
              List.of(
                  "chosen",
                  "rejected",
                  "reference",
                  "chosen_input_ids",
                  "rejected_input_ids",
                  "reference_input_ids");
          case RANKED -> List.of("responses", "responses_input_ids");
          case UNPAIRED -> List.of("completion", "completion_input_ids", "label");
          case PROMPT -> List.of();
        };
    List<String> columns = new ArrayList<>(COMMON_COLUMNS);
    columns.addAll(own);
    columns.addAll(config.columns().names());
    return columns;
  }
}
