package dev.collimate.text;

import dev.collimate.CollimateException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** The preparation of one row up to the cut: its shape, its texts, their tokens. */
final class RowPreparation implements FurtherPreparation.Encoders {

  /**
   * A row before the cut.
   *
   * @param sides by role
   * @param scalars further numbers of the row
   * @param categories names of the row, by column
   * @param notes what is counted about the row; the cut may add to it
   */
  record Draft(
      Map<String, Encoded> sides,
      Map<String, Double> scalars,
      Map<String, String> categories,
      Set<String> notes) {}

  /** What stands between a context and what follows it. */
  private static final String BETWEEN = "\n\n";

  private final RowReader row;
  private final ExamplePreparer.TextTools tools;
  private final PreparerConfig config;
  private final Set<String> notes = new TreeSet<>();
  private final Map<String, Encoded> sides = new LinkedHashMap<>();
  private final Map<String, Double> scalars = new LinkedHashMap<>();
  private final Map<String, String> categories = new LinkedHashMap<>();

  RowPreparation(RowReader row, ExamplePreparer.TextTools tools, PreparerConfig config) {
    this.row = row;
    this.tools = tools;
    this.config = config;
  }

  /** Finds the row's shape and tokenizes its sides. */
  Draft draft() throws Refusal {
    switch (config.shape()) {
      case DEMONSTRATION -> demonstration();
      case PREFERENCE -> preference();
      case TRIPLE -> triple();
      case REWARD -> wholeTexts("chosen", "rejected");
      case RANKED -> {
        // All that is read of these rows are further sequences.
      }
      case SCORED -> scored();
      case UNPAIRED -> unpaired();
      case PROMPT -> prompt();
    }
    FurtherPreparation further = new FurtherPreparation(row, config, this);
    for (FurtherSequence sequence : config.columns().sequences()) {
      sides.put(sequence.role(), further.of(sequence));
    }
    for (TokenMarks marks : config.columns().marks()) {
      if (row.has(marks.column())) {
        sides.put(marks.role(), marked(marks, sides.get(marks.role())));
      }
    }
    numbers();
    for (String column : config.columns().categories()) {
      categories.put(column, row.category(column));
    }
    return new Draft(sides, scalars, categories, notes);
  }

  private void demonstration() throws Refusal {
    if (row.has("completion_input_ids")) {
      tokenized("completion");
    } else if (row.has("completion") || row.has("prompt")) {
      completions("completion");
    } else if (row.has("messages") || row.has("conversations")) {
      String column = row.has("messages") ? "messages" : "conversations";
      sides.put("completion", conversations().whole(row.conversation(column)));
    } else if (row.has("text")) {
      requireConversation("text");
      sides.put("completion", texts().whole(row.text("text")));
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
      putPair(
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
      putPair(
          List.of(
              texts().afterPlain(prompt, promptIds, chosen.substring(split)),
              texts().afterPlain(prompt, promptIds, rejected.substring(split))));
    }
    sides.computeIfPresent("rejected", (role, side) -> side.countingCompletion());
  }

  private void triple() throws Refusal {
    String[] columns = {"chosen", "rejected", "reference"};
    if (Arrays.stream(columns).anyMatch(column -> row.has(column + "_input_ids"))) {
      tokenized(columns);
    } else {
      completions(columns);
      noteIdenticalSides();
    }
  }

  private void putPair(List<Encoded> pair) {
    sides.put("chosen", pair.get(0));
    sides.put("rejected", pair.get(1));
  }

  private void noteIdenticalSides() {
    if (Arrays.equals(sides.get("chosen").completion(), sides.get("rejected").completion())) {
      notes.add("identical_sides");
    }
  }

  private Encoded marked(TokenMarks marks, Encoded side) throws Refusal {
    if (row.has(marks.role() + "_input_ids")) {
      return side.withMarks(marks.ofTokens(row, side.completion().length));
    }
    if (row.isConversation(marks.role())) {
      throw new Refusal(
          Refusal.WRONG_TYPE,
          "column '%s' marks a conversation; give its token ids, with a mark for each"
              .formatted(marks.column()));
    }
    String text = row.text(marks.role());
    int split = 0;
    String prompt = "";
    if (row.has("prompt")) {
      prompt = row.text("prompt");
    } else {
      // The column holds the prompt too, and its spans count from there.
      split = ImplicitPrompt.split(row.text("chosen"), row.text("rejected"));
      prompt = text.substring(0, split);
    }
    int before = split > 0 ? 0 : prompt.codePointCount(0, prompt.length());
    TokenSpans spans = texts().spans(side, prompt, text.substring(split));
    return side.withMarks(
        marks.ofSpans(row, text.codePointCount(0, text.length()), spans, -before));
  }

  private void numbers() throws Refusal {
    for (NumberColumn column : config.columns().numbers()) {
      if (column.isRequired() || row.has(column.name())) {
        double[] numbers = row.numbers(column);
        for (int i = 0; i < numbers.length; i++) {
          scalars.put(column.scalar(i), numbers[i]);
        }
      }
    }
  }

  private void scored() throws Refusal {
    if (row.has("completion_input_ids") || row.has("completion")) {
      wholeTexts("completion");
    } else {
      demonstration();
    }
  }

  /** Whole texts: a reward model scores prompt and completion together. */
  private void wholeTexts(String... names) throws Refusal {
    boolean isTokenized = false;
    for (String side : names) {
      isTokenized |= row.has(side + "_input_ids");
    }
    Optional<String> context = context();
    if (isTokenized && context.isPresent()) {
      throw new Refusal(
          Refusal.WRONG_TYPE,
          "column '%s' cannot stand before token ids; tokenize it with the prompt"
              .formatted(config.columns().context()));
    }
    if (isTokenized) {
      tokenized(names);
    } else {
      for (String side : names) {
        if (row.isConversation(side)) {
          List<Map<String, Object>> messages = new ArrayList<>();
          if (row.has("prompt")) {
            messages.addAll(row.conversation("prompt"));
          }
          messages.addAll(row.conversation(side));
          context.ifPresent(text -> putBefore(text, messages));
          sides.put(side, conversations().whole(messages));
        } else {
          String prompt = row.has("prompt") ? row.text("prompt") : "";
          String before = context.map(text -> text + BETWEEN).orElse("");
          sides.put(side, texts().whole(before + prompt + row.text(side)));
        }
      }
    }
  }

  private Optional<String> context() throws Refusal {
    String column = config.columns().context();
    if (column.isEmpty() || !row.has(column)) {
      return Optional.empty();
    }
    String text = row.text(column);
    return text.isEmpty() ? Optional.empty() : Optional.of(text);
  }

  /** As a system message, or before the text of the one that there is. */
  private static void putBefore(String context, List<Map<String, Object>> messages) {
    Map<String, Object> system = new LinkedHashMap<>(Map.of("role", "system", "content", context));
    if (!messages.isEmpty()
        && "system".equals(messages.get(0).get("role"))
        && messages.get(0).get("content") instanceof String own) {
      system.putAll(messages.remove(0));
      system.put("content", own.isEmpty() ? context : context + BETWEEN + own);
    }
    messages.add(0, system);
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
    sides.put("prompt", new Encoded(ids, new int[0], new byte[ids.length], /* isMerged= */ false));
    if (!config.columns().completions().isNone()) {
      // Whether they can be read; the prompt is what is kept of the row, beside its columns.
      givenCompletions();
    }
  }

  List<GivenCompletion> givenCompletions() throws Refusal {
    return config
        .columns()
        .completions()
        .of(row, (text, ended) -> texts().completion(text, ended), config.vocabularySize());
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
      sides.put(columns[i], results.get(i));
    }
  }

  private void tokenized(String... names) throws Refusal {
    requireConversation(names[0] + "_input_ids");
    int[] prompt =
        row.has("prompt_input_ids")
            ? row.ids("prompt_input_ids", config.vocabularySize())
            : new int[0];
    for (String side : names) {
      int[] completion = row.ids(side + "_input_ids", config.vocabularySize());
      sides.put(
          side,
          Encoded.of(prompt, completion, !config.completionOnlyLoss(), /* isMerged= */ false));
    }
  }

  @Override
  public TextEncoder texts() {
    TextEncoder texts =
        tools
            .encoder()
            .orElseThrow(
                () ->
                    CollimateException.data(
                        "the rows are text but the model folder has no tokenizer.json; give a model with a tokenizer, or rows with prompt_input_ids and completions as ids"));
    if (!texts.hasEos()) {
      notes.add("no_eos_token");
    }
    return texts;
  }

  @Override
  public ConversationEncoder conversations() throws Refusal {
    TextEncoder texts = texts();
    ChatTemplate chat =
        tools
            .template()
            .orElseThrow(
                () ->
                    CollimateException.data(
                        "the rows are conversations but the tokenizer of %s has no chat template"
                            .formatted(tools.location())));
    ChatTemplate.Context context =
        new ChatTemplate.Context(
            row.tools(), row.options("chat_template_kwargs"), config.templateTime());
    return new ConversationEncoder(chat, texts, context, notes);
  }
}
