package dev.collimate.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.CollimateException;
import dev.collimate.Fixtures;
import dev.collimate.text.PreparerConfig.BoundaryMerge;
import dev.collimate.text.PreparerConfig.TruncationMode;
import java.io.IOException;
import java.nio.file.Files;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Rows as TRL 1.9.0 prepares them. Position 0 of a mask is never compared: nothing predicts the
 * first token, so its entry is 0 here whatever TRL's collator writes there.
 */
@Tag("fixtures")
class TrlPrepareCasesTest {

  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final LocalDateTime NOW = LocalDateTime.parse("2025-01-15T12:00:00");

  /** Where TRL goes wrong, or the design decides otherwise: what becomes of the row instead. */
  private static final Map<String, String> REFUSED_BY_DESIGN =
      Map.ofEntries(
          Map.entry("dpo/implicit/identical", "identical_pair"),
          Map.entry("dpo/implicit/identical-ends-in-space", "identical_pair"),
          Map.entry("dpo/chat/implicit-identical", "identical_pair"),
          Map.entry("dpo/implicit/empty-chosen", "prefix_pair"),
          Map.entry("dpo/chat/prompt-is-text-but-pair-is-chat", "wrong_type"),
          // One token alone: nothing predicts it, so there is nothing to train on.
          Map.entry("dpo/all-empty", "empty_completion"),
          Map.entry("sft/text-empty", "empty_completion"));

  /** Prompts that the design splits otherwise than TRL does. */
  private static final Map<String, String> PROMPT_BY_DESIGN =
      Map.of(
          "dpo/implicit/chosen-a-prefix", "Natalia sold 48 clips in",
          "dpo/implicit/nothing-in-common-chosen-ends-in-space", "");

  private final Map<String, Tokenizer> tokenizers = new HashMap<>();

  @AfterEach
  void closeTokenizers() {
    tokenizers.values().forEach(Tokenizer::close);
  }

  @ParameterizedTest
  @CsvSource({"dpo, 96", "sft, 47", "kto, 18", "reward, 18"})
  void rowsBecomeTheTokensOfTrl(String objective, int cases) throws IOException {
    SoftAssertions softly = new SoftAssertions();
    int run = 0;
    for (JsonNode one : Fixtures.json("data/trl-prepare.json").get("cases")) {
      if (!one.get("objective").asText().equals(objective)) {
        continue;
      }
      check(softly, one);
      run++;
    }
    softly.assertAll();
    assertThat(run).isEqualTo(cases);
  }

  private void check(SoftAssertions softly, JsonNode one) throws IOException {
    String name = one.get("name").asText();
    JsonNode expected = one.get("expected");
    List<Prepared> prepared = new ArrayList<>();
    try {
      ExamplePreparer preparer = preparer(one);
      for (JsonNode row : one.get("rows")) {
        prepared.addAll(preparer.prepareAll(row(row)));
      }
    } catch (CollimateException e) {
      // The whole run is refused: TRL raised too, or swaps the template for its own variant.
      softly.assertThat(e.kind()).as(name).isEqualTo(CollimateException.Kind.USAGE);
      softly
          .assertThat(expected.has("error") || expected.has("chat_template_replaced_by"))
          .as("%s: %s", name, e.getMessage())
          .isTrue();
      return;
    }
    List<Prepared.Ready> ready = new ArrayList<>();
    for (Prepared row : prepared) {
      if (row instanceof Prepared.Ready usable) {
        ready.add(usable);
      }
    }
    if (one.get("rows").get(0).has("chosen")) {
      // TRL puts the chosen sides of all pairs before the rejected ones.
      ready.sort(Comparator.comparing(row -> -row.example().scalars().getOrDefault("label", 0.0)));
    }
    if (REFUSED_BY_DESIGN.containsKey(name)) {
      softly
          .assertThat(prepared)
          .as(name)
          .singleElement()
          .isInstanceOfSatisfying(
              Prepared.Refused.class,
              refused ->
                  assertThat(refused.reason()).as(name).isEqualTo(REFUSED_BY_DESIGN.get(name)));
      return;
    }
    if (expected.has("error") && !one.path("trl_departure_expected").asBoolean()) {
      softly.assertThat(ready).as(name).isEmpty();
      return;
    }
    if (one.has("design_before_truncation")) {
      checkDesign(softly, name, one, ready);
    } else if (one.path("trl_departure_expected").asBoolean()) {
      checkDeparture(softly, name, one, ready);
    } else {
      checkRows(softly, name, one, prepared, ready);
    }
  }

  private void checkRows(
      SoftAssertions softly,
      String name,
      JsonNode one,
      List<Prepared> prepared,
      List<Prepared.Ready> ready) {
    JsonNode rows = one.get("expected").get("rows");
    softly.assertThat(ready).as("%s: %s", name, prepared).hasSize(rows.size());
    for (int i = 0; i < Math.min(rows.size(), ready.size()); i++) {
      JsonNode row = rows.get(i);
      Map<String, Sequence> sequences = ready.get(i).example().sequences();
      switch (one.get("objective").asText()) {
        case "dpo" -> {
          for (String side : List.of("chosen", "rejected")) {
            same(
                softly,
                name + " " + side,
                sequences.get(side),
                Fixtures.ints(row.get(side + "_sequence")),
                Fixtures.ints(row.get(side + "_completion_mask")));
          }
        }
        case "sft" ->
            same(
                softly,
                name,
                sequences.get("completion"),
                Fixtures.ints(row.get("input_ids")),
                Arrays.stream(Fixtures.ints(row.get("labels"))).map(l -> l < 0 ? 0 : 1).toArray());
        case "kto" -> {
          same(
              softly,
              name,
              sequences.get("completion"),
              Fixtures.ints(row.get("sequence")),
              Fixtures.ints(row.get("completion_mask")));
          softly
              .assertThat(ready.get(i).example().scalars().get("label"))
              .as(name)
              .isEqualTo(row.get("label").asBoolean() ? 1.0 : 0.0);
        }
        default -> {
          for (String side : List.of("chosen", "rejected")) {
            softly
                .assertThat(sequences.get(side).ids())
                .as(name + " " + side)
                .isEqualTo(Fixtures.ints(row.get(side + "_ids")));
          }
        }
      }
    }
  }

  private static void same(
      SoftAssertions softly, String name, Sequence sequence, int[] ids, int[] mask) {
    softly.assertThat(sequence.ids()).as(name + " ids").isEqualTo(ids);
    mask[0] = 0;
    byte[] bytes = new byte[mask.length];
    for (int i = 0; i < mask.length; i++) {
      bytes[i] = (byte) mask[i];
    }
    softly.assertThat(sequence.lossMask()).as(name + " mask").isEqualTo(bytes);
  }

  /** Boundary merges: prompt and completion tokenized apart, then cut. */
  private void checkDesign(
      SoftAssertions softly, String name, JsonNode one, List<Prepared.Ready> ready) {
    JsonNode design = one.get("design_before_truncation").get(0);
    Prepared.Ready usable = ready.get(0);
    softly.assertThat(usable.notes()).as(name).contains("boundary_merge");
    int maxLength = one.get("config").get("max_length").asInt();
    usable
        .example()
        .sequences()
        .forEach(
            (role, sequence) -> {
              int[] prompt = Fixtures.ints(design.get("prompt_ids"));
              int[] completion = Fixtures.ints(design.get(role + "_ids"));
              int[] joint = Arrays.copyOf(prompt, prompt.length + completion.length);
              System.arraycopy(completion, 0, joint, prompt.length, completion.length);
              softly
                  .assertThat(sequence.ids())
                  .as(name + " " + role)
                  .isEqualTo(Arrays.copyOf(joint, Math.min(maxLength, joint.length)));
              softly.assertThat(sequence.promptLength()).as(name).isEqualTo(prompt.length);
              softly
                  .assertThat(sequence.countedTokens())
                  .as(name)
                  .isEqualTo(sequence.length() - prompt.length);
            });
  }

  /** The other departures, each held to what the design says. */
  private void checkDeparture(
      SoftAssertions softly, String name, JsonNode one, List<Prepared.Ready> ready)
      throws IOException {
    softly.assertThat(ready).as(name).hasSize(1);
    Tokenizer tokenizer = tokenizer(one);
    Map<String, Sequence> sequences = ready.get(0).example().sequences();
    JsonNode row = one.get("rows").get(0);
    JsonNode trl = one.get("expected").path("rows").path(0);
    if (name.startsWith("dpo/implicit/")) {
      String prompt = PROMPT_BY_DESIGN.getOrDefault(name, trl.path("prompt").asText());
      for (String side : List.of("chosen", "rejected")) {
        String completion = row.get(side).asText().substring(prompt.length()) + "<|im_end|>";
        splitAt(softly, name, tokenizer, sequences.get(side), prompt, completion);
      }
    } else if (name.endsWith("generation-prompt-differs")) {
      // The prompt without the generation prompt begins the conversation, so that is the prompt.
      String prompt = "<|im_start|>user\nNatalia sold 48 clips in April<|im_end|>\n";
      for (Map.Entry<String, Sequence> side : sequences.entrySet()) {
        String answer = row.get(side.getKey()).get(0).get("content").asText();
        String completion = "<|im_start|>assistant\n" + answer + "<|im_end|>\n";
        splitAt(softly, name, tokenizer, side.getValue(), prompt, completion);
      }
    } else if (name.equals("dpo/chat/implicit-a-prefix")) {
      checkRows(softly, name, one, List.of(), ready);
    } else if (name.equals("dpo/chat/implicit-nothing-in-common")) {
      sequences.forEach(
          (side, sequence) -> softly.assertThat(sequence.promptLength()).as(name).isZero());
    } else {
      Sequence completion = sequences.get("completion");
      softly.assertThat(completion.ids()).as(name).isEqualTo(Fixtures.ints(trl.get("input_ids")));
      softly
          .assertThat(counted(tokenizer, completion))
          .as(name)
          .isEqualTo(
              switch (name) {
                case "sft/assistant-only-last-character-is-emoji" -> "yes 😀";
                // The first turn's one token has nothing before it that could predict it.
                case "sft/assistant-only-first-token" -> "half as many in May";
                default -> "no departure of this name is known";
              });
    }
  }

  private static void splitAt(
      SoftAssertions softly,
      String name,
      Tokenizer tokenizer,
      Sequence sequence,
      String prompt,
      String completion) {
    int[] promptIds = tokenizer.encode(prompt);
    softly.assertThat(sequence.promptLength()).as(name).isEqualTo(promptIds.length);
    softly
        .assertThat(Arrays.copyOf(sequence.ids(), promptIds.length))
        .as(name)
        .isEqualTo(promptIds);
    softly
        .assertThat(
            tokenizer.decode(
                Arrays.copyOfRange(sequence.ids(), promptIds.length, sequence.length())))
        .as(name)
        .isEqualTo(completion);
  }

  private static String counted(Tokenizer tokenizer, Sequence sequence) {
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < sequence.length(); i++) {
      if (sequence.lossMask()[i] == 1) {
        ids.add(sequence.ids()[i]);
      }
    }
    return tokenizer.decode(ids.stream().mapToInt(Integer::intValue).toArray());
  }

  private static Map<String, Object> row(JsonNode row) {
    Map<String, Object> columns = new HashMap<>();
    row.properties()
        .forEach(
            column ->
                columns.put(column.getKey(), MAPPER.convertValue(column.getValue(), Object.class)));
    return columns;
  }

  private Tokenizer tokenizer(JsonNode one) throws IOException {
    String name = one.get("tokenizer").asText();
    if (!tokenizers.containsKey(name)) {
      tokenizers.put(name, Fixtures.tokenizer(name));
    }
    return tokenizers.get(name);
  }

  private ExamplePreparer preparer(JsonNode one) throws IOException {
    Tokenizer tokenizer = tokenizer(one);
    JsonNode config = one.get("config");
    RowShape shape =
        switch (one.get("objective").asText()) {
          case "dpo" -> RowShape.PREFERENCE;
          case "sft" -> RowShape.DEMONSTRATION;
          case "kto" -> RowShape.UNPAIRED;
          default -> RowShape.REWARD;
        };
    PreparerConfig prepare =
        new PreparerConfig(
            shape,
            config.get("max_length").isNull()
                ? PreparerConfig.UNLIMITED
                : config.get("max_length").asInt(),
            config.path("truncation_mode").asText("").equals("keep_end")
                ? TruncationMode.KEEP_END
                : TruncationMode.KEEP_START,
            PreparerConfig.UNLIMITED,
            BoundaryMerge.KEEP,
            config.path("completion_only_loss").asBoolean(true),
            config.path("assistant_only_loss").asBoolean(false),
            PreparerConfig.UNLIMITED,
            NOW);
    String template = null;
    if (one.has("chat_template")) {
      template = one.get("chat_template").asText();
    } else if (one.has("chat_template_file")) {
      template =
          Files.readString(Fixtures.path("data").resolve(one.get("chat_template_file").asText()));
    }
    return template == null
        ? new ExamplePreparer(Optional.of(tokenizer), prepare)
        : new ExamplePreparer(
            tokenizer,
            ChatTemplate.parse(template, Map.of("eos_token", "<|im_end|>", "pad_token", "<|pad|>")),
            prepare);
  }
}
