package dev.collimate.text;

import dev.collimate.CollimateException;
import dev.collimate.text.PreparerConfig.BoundaryMerge;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Turns rows into examples: finds the row's shape, tokenizes, splits prompt from completion, sets
 * loss masks and cuts. Which columns make which shape is TRL's; see the data section of the guide.
 * May be used by several threads.
 */
public final class ExamplePreparer {

  private static final List<String> COMMON_COLUMNS =
      List.of("prompt", "prompt_input_ids", "tools", "chat_template_kwargs", "weight");

  private final Optional<Tokenizer> tokenizer;
  private final Optional<TextEncoder> encoder;
  private final Optional<ChatTemplate> template;
  private final PreparerConfig config;

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
          "data.assistant_only_loss: needs a chat template with {% generation %} markers, which "
              + tokenizer.map(t -> "that of " + t.location() + " has not").orElse("is not there"));
    }
    this.tokenizer = tokenizer;
    this.template = template;
    this.config = config;
    encoder = tokenizer.map(t -> new TextEncoder(t, config));
  }

  /**
   * Prepares one row.
   *
   * @param row columns by name: String, Long, Integer, Double, Boolean, int[], lists and maps of
   *     these, or null
   * @throws CollimateException of kind DATA where no row of this kind can be prepared: there is
   *     text but no tokenizer, a conversation but no chat template, or a merge that is to end the
   *     run
   */
  public Prepared prepare(Map<String, ?> row) {
    try {
      return new Preparation(new RowReader(row)).run(row);
    } catch (Refusal refusal) {
      return refusal.prepared();
    }
  }

  /**
   * Hash of the columns that the shape uses, in hexadecimal: the key of a row without {@code id}.
   * Rows that differ in other columns alone share it.
   */
  public String columnsHash(Map<String, ?> row) {
    return RowHash.ofColumns(row, columnsUsed());
  }

  private List<String> columnsUsed() {
    List<String> own =
        switch (config.shape()) {
          case DEMONSTRATION ->
              List.of("completion", "completion_input_ids", "messages", "conversations", "text");
          case PREFERENCE, REWARD ->
              List.of(
                  "chosen",
                  "rejected",
                  "chosen_input_ids",
                  "rejected_input_ids",
                  "margin",
                  "chosen_score",
                  "rejected_score");
          case UNPAIRED -> List.of("completion", "completion_input_ids", "label");
          case PROMPT -> List.of();
        };
    List<String> columns = new ArrayList<>(COMMON_COLUMNS);
    columns.addAll(own);
    return columns;
  }

  /** The preparation of one row. */
  private final class Preparation {

    private final RowReader row;
    private final TreeSet<String> notes = new TreeSet<>();
    private final Map<String, Encoded> encoded = new LinkedHashMap<>();
    private final Map<String, Double> scalars = new LinkedHashMap<>();

    Preparation(RowReader row) {
      this.row = row;
    }

    Prepared run(Map<String, ?> columns) throws Refusal {
      double weight = row.number("weight", 1);
      if (weight <= 0) {
        throw new Refusal(
            Refusal.INVALID_NUMBER, "column 'weight' holds %s, it must be > 0".formatted(weight));
      }
      switch (config.shape()) {
        case DEMONSTRATION -> demonstration();
        case PREFERENCE -> preference();
        case REWARD -> reward();
        case UNPAIRED -> unpaired();
        case PROMPT -> prompt();
      }
      Map<String, Sequence> sequences = new LinkedHashMap<>();
      for (Map.Entry<String, Encoded> side : encoded.entrySet()) {
        sequences.put(side.getKey(), sequence(side.getKey(), side.getValue()));
      }
      Optional<String> id = row.id();
      Example example =
          new Example(
              id.orElseGet(() -> columnsHash(columns)),
              RowHash.ofSequences(sequences),
              weight,
              sequences,
              scalars);
      return new Prepared.Ready(example, id.isPresent(), notes);
    }

    private void demonstration() throws Refusal {
      if (row.has("completion_input_ids")) {
        tokenized("completion");
      } else if (row.has("completion") || row.has("prompt")) {
        completions("completion");
      } else if (row.has("messages") || row.has("conversations")) {
        String column = row.has("messages") ? "messages" : "conversations";
        encoded.put("completion", conversations().whole(row.conversation(column)));
      } else if (row.has("text")) {
        requireConversation("text");
        encoded.put("completion", texts().whole(row.text("text")));
      } else {
        throw new Refusal(
            Refusal.MISSING_COLUMN,
            "a demonstration needs 'prompt' and 'completion', 'messages', 'text' or 'completion_input_ids'; the row has "
                + row.present());
      }
    }

    private void requireConversation(String column) throws Refusal {
      if (config.assistantOnlyLoss()) {
        throw new Refusal(
            Refusal.WRONG_TYPE,
            "column '%s' is no conversation, which assistant_only_loss needs".formatted(column));
      }
    }

    private void preference() throws Refusal {
      if (row.has("chosen_input_ids") || row.has("rejected_input_ids")) {
        tokenized("chosen", "rejected");
      } else if (row.has("prompt")) {
        completions("chosen", "rejected");
        noteIdenticalSides();
      } else if (row.isConversation("chosen")) {
        List<Map<String, Object>> chosen = row.conversation("chosen");
        List<Map<String, Object>> rejected = row.conversation("rejected");
        int split = ImplicitPrompt.split(chosen, rejected);
        sides(
            conversations()
                .afterPrompt(
                    chosen.subList(0, split),
                    List.of(
                        chosen.subList(split, chosen.size()),
                        rejected.subList(split, rejected.size()))));
      } else {
        String chosen = row.text("chosen");
        String rejected = row.text("rejected");
        int split = ImplicitPrompt.split(chosen, rejected);
        String prompt = chosen.substring(0, split);
        int[] promptIds = texts().plain(prompt);
        sides(
            List.of(
                texts().afterPlain(prompt, promptIds, chosen.substring(split)),
                texts().afterPlain(prompt, promptIds, rejected.substring(split))));
      }
      pairScalars();
    }

    private void sides(List<Encoded> pair) {
      encoded.put("chosen", pair.get(0));
      encoded.put("rejected", pair.get(1));
    }

    private void noteIdenticalSides() {
      if (Arrays.equals(encoded.get("chosen").completion(), encoded.get("rejected").completion())) {
        notes.add("identical_sides");
      }
    }

    private void pairScalars() throws Refusal {
      for (String column : List.of("margin", "chosen_score", "rejected_score")) {
        if (row.has(column)) {
          scalars.put(column, row.number(column, 0));
        }
      }
    }

    /** Whole texts: a reward model scores prompt and completion together. */
    private void reward() throws Refusal {
      if (row.has("chosen_input_ids") || row.has("rejected_input_ids")) {
        tokenized("chosen", "rejected");
      } else {
        for (String side : List.of("chosen", "rejected")) {
          if (row.isConversation(side)) {
            List<Map<String, Object>> messages = new ArrayList<>();
            if (row.has("prompt")) {
              messages.addAll(row.conversation("prompt"));
            }
            messages.addAll(row.conversation(side));
            encoded.put(side, conversations().whole(messages));
          } else {
            String prompt = row.has("prompt") ? row.text("prompt") : "";
            encoded.put(side, texts().whole(prompt + row.text(side)));
          }
        }
      }
      pairScalars();
    }

    private void unpaired() throws Refusal {
      scalars.put("label", row.label("label") ? 1.0 : 0.0);
      if (row.has("completion_input_ids")) {
        tokenized("completion");
      } else {
        completions("completion");
      }
    }

    private void prompt() throws Refusal {
      int[] ids;
      if (row.has("prompt_input_ids")) {
        ids = row.ids("prompt_input_ids", config.vocabularySize());
      } else if (row.isConversation("prompt")) {
        ids = conversations().prompt(row.conversation("prompt"));
      } else {
        ids = texts().plain(row.text("prompt"));
      }
      if (ids.length == 0) {
        throw new Refusal(Refusal.EMPTY_PROMPT, "the prompt has no tokens to go on from");
      }
      encoded.put(
          "prompt", new Encoded(ids, new int[0], new byte[ids.length], /* isMerged= */ false));
    }

    /** Completions, strings or conversations, after the row's prompt of the same kind. */
    private void completions(String... columns) throws Refusal {
      List<Encoded> results;
      if (row.isConversation(columns[0]) && row.isConversation("prompt")) {
        List<List<Map<String, Object>>> completions = new ArrayList<>();
        for (String column : columns) {
          completions.add(row.conversation(column));
        }
        results = conversations().afterPrompt(row.conversation("prompt"), completions);
      } else {
        requireConversation("prompt");
        String prompt = row.text("prompt");
        int[] promptIds = null;
        results = new ArrayList<>();
        for (String column : columns) {
          String completion = row.text(column);
          promptIds = promptIds == null ? texts().plain(prompt) : promptIds;
          results.add(texts().afterPlain(prompt, promptIds, completion));
        }
      }
      for (int i = 0; i < columns.length; i++) {
        encoded.put(columns[i], results.get(i));
      }
    }

    private void tokenized(String... sides) throws Refusal {
      requireConversation(sides[0] + "_input_ids");
      int[] prompt =
          row.has("prompt_input_ids")
              ? row.ids("prompt_input_ids", config.vocabularySize())
              : new int[0];
      for (String side : sides) {
        int[] completion = row.ids(side + "_input_ids", config.vocabularySize());
        encoded.put(
            side,
            Encoded.of(prompt, completion, !config.completionOnlyLoss(), /* isMerged= */ false));
      }
    }

    private TextEncoder texts() {
      TextEncoder texts =
          encoder.orElseThrow(
              () ->
                  CollimateException.data(
                      "the rows are text but the model folder has no tokenizer.json; give a model with a tokenizer, or rows with prompt_input_ids and completions as ids"));
      if (!texts.hasEos()) {
        notes.add("no_eos_token");
      }
      return texts;
    }

    private ConversationEncoder conversations() throws Refusal {
      TextEncoder texts = texts();
      ChatTemplate chat =
          template.orElseThrow(
              () ->
                  CollimateException.data(
                      "the rows are conversations but the tokenizer of %s has no chat template"
                          .formatted(tokenizer.map(Tokenizer::location).orElse(""))));
      ChatTemplate.Context context =
          new ChatTemplate.Context(
              row.tools(), row.options("chat_template_kwargs"), config.templateTime());
      return new ConversationEncoder(chat, texts, context, notes);
    }

    /** Checks a side and cuts it. */
    private Sequence sequence(String role, Encoded side) throws Refusal {
      if (side.isMerged()) {
        merged(role);
      }
      if (config.shape() == RowShape.REWARD && side.length() > config.maxLength()) {
        throw new Refusal(
            Refusal.TOO_LONG,
            "side '%s' has %d tokens, max_length is %d"
                .formatted(role, side.length(), config.maxLength()));
      }
      Encoded fitting = side.withPromptEnd(config.maxPromptLength());
      if (fitting.length() < side.length()) {
        notes.add("truncated_prompt");
      }
      boolean isCut = fitting.length() > config.maxLength();
      int kept = Math.min(fitting.length(), config.maxLength());
      int from =
          config.truncationMode() == PreparerConfig.TruncationMode.KEEP_END
              ? fitting.length() - kept
              : 0;
      Sequence sequence = fitting.sequence(from, from + kept);
      if (sequence.countedTokens() == 0 && config.shape() != RowShape.PROMPT) {
        throw isCut && fitting.hasCountedToken()
            ? new Refusal(
                Refusal.FULLY_TRUNCATED,
                "side '%s' has %d tokens, of which max_length (%d) leaves none to train on"
                    .formatted(role, fitting.length(), config.maxLength()))
            : new Refusal(
                Refusal.EMPTY_COMPLETION, "side '%s' has no token to train on".formatted(role));
      }
      if (isCut) {
        notes.add("truncated_" + role);
      }
      return sequence;
    }

    private void merged(String role) throws Refusal {
      String detail =
          "the first characters of side '%s' merge with the prompt's last ones into one token"
              .formatted(role);
      if (config.boundaryMerge() == BoundaryMerge.FAIL) {
        throw CollimateException.data(
            "row %s: %s; with data.boundary_merge: keep they are tokenized apart"
                .formatted(row.id().orElse("without id"), detail));
      } else if (config.boundaryMerge() == BoundaryMerge.DROP) {
        throw new Refusal(Refusal.BOUNDARY_MERGE, detail);
      }
      notes.add("boundary_merge");
    }
  }
}
