package dev.collimate.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.ComputeDevice;
import dev.collimate.nn.Decoder;
import dev.collimate.nn.DecoderOptions;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.nn.Engine;
import dev.collimate.nn.Quantity;
import dev.collimate.nn.RandomModel;
import dev.collimate.parameters.FlatVector;
import dev.collimate.text.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GeneratorTest {

  private static final int VOCAB = 13;
  private static final int[] PROMPT = {1, 7, 3};
  private static Decoder decoder;

  @BeforeAll
  static void loadModel() {
    Engine.start(1, ComputeDevice.cpu());
    try (ModelFolder model = RandomModel.of(RandomModel.llama(2, 16, 24, 2, VOCAB), 0.5, 3)) {
      decoder = Decoder.load(model, DecoderOptions.frozen());
    }
  }

  @AfterAll
  static void closeModel() {
    decoder.close();
  }

  @Test
  void equalSeedsGiveEqualTokensAndOtherSeedsOthers() {
    List<Completion> first = generate(8, params(1, 0, 1, 5));
    List<Completion> again = generate(8, params(1, 0, 1, 5));
    List<Completion> other = generate(8, params(1, 0, 1, 6));
    assertThat(ids(again)).isDeepEqualTo(ids(first));
    assertThat(ids(other)[0]).isNotEqualTo(ids(first)[0]);
    assertThat(ids(first)[0]).isNotEqualTo(ids(first)[1]);
  }

  @Test
  void rowsWithEqualSeedsDrawEqualTokens() {
    Generator generator = new Generator(decoder, new int[] {2});
    List<Completion> rows =
        generator.generate(Collections.nCopies(3, PROMPT), List.of(9L, 9L, 9L), params(1, 0, 1, 5));
    assertThat(rows.get(1).ids()).containsExactly(rows.get(0).ids());
    assertThat(rows.get(2).ids()).containsExactly(rows.get(0).ids());
  }

  @Test
  void theMostProbableTokenAloneIsGreedy() {
    int[] greedy = ids(generate(1, params(0, 0, 1, 1)))[0];
    assertThat(ids(generate(1, params(1, 1, 1, 1)))[0]).containsExactly(greedy);
    assertThat(ids(generate(1, params(1, 0, 1e-9, 1)))[0]).containsExactly(greedy);
    assertThat(ids(generate(1, params(1e-4, 0, 1, 1)))[0]).containsExactly(greedy);
  }

  /** The keys and values of 600 tokens outgrow the buffers twice. */
  @ParameterizedTest
  @ValueSource(ints = {12, 600})
  void logProbabilitiesAreTheModels(int newTokens) {
    List<int[]> prompts = List.of(PROMPT, new int[] {4});
    SamplingParams params = new SamplingParams(newTokens, 1, 0, 1, 5, true);
    List<Completion> completions =
        new Generator(decoder, new int[] {2}).generate(prompts, List.of(0L, 1L), params);
    for (int row = 0; row < prompts.size(); row++) {
      int[] prompt = prompts.get(row);
      int[] drawn = completions.get(row).ids();
      int[] ids = Arrays.copyOf(prompt, prompt.length + drawn.length);
      System.arraycopy(drawn, 0, ids, prompt.length, drawn.length);
      byte[] counts = new byte[ids.length];
      Arrays.fill(counts, prompt.length, ids.length, (byte) 1);
      List<Sequence> sequences = List.of(new Sequence(ids, prompt.length, counts));
      try (var pass = decoder.forward(sequences, Set.of(), Mode.EVALUATE, Adapter.ON)) {
        assertThat(completions.get(row).logProbs())
            .hasSize(newTokens)
            .containsExactly(pass.values(Quantity.LOG_PROB)[0], within(1e-5f));
      }
    }
  }

  /** Every token's, while rows are dropped as they end. */
  @Test
  void aMixtureDrawsFromTheWeightedLogitsOfBothModels() {
    try (ModelFolder folder = RandomModel.of(RandomModel.llama(2, 16, 24, 2, VOCAB), 0.5, 4);
        Decoder other = Decoder.load(folder, DecoderOptions.frozen())) {
      Generator generator =
          new Generator(decoder, new int[] {2})
              .mixedWith(new Generator.Mixture(other, Adapter.ON, 0.25));
      SamplingParams params = new SamplingParams(10, 0.5, 0, 1, 5, false);
      List<Completion> completions =
          generator.generate(
              List.of(PROMPT, new int[] {4}), 4, LongStream.range(0, 8).boxed().toList(), params);
      assertThat(completions.stream().mapToInt(row -> row.ids().length).distinct().count())
          .isGreaterThan(1);
      for (int row = 0; row < 8; row++) {
        int[] prompt = row < 4 ? PROMPT : new int[] {4};
        Completion completion = completions.get(row);
        for (int t = 0; t < completion.ids().length; t++) {
          int[] before = Arrays.copyOf(prompt, prompt.length + t);
          System.arraycopy(completion.ids(), 0, before, prompt.length, t);
          float[] mixed = logits(decoder, before);
          float[] second = logits(other, before);
          double sum = 0;
          for (int v = 0; v < VOCAB; v++) {
            mixed[v] = 0.75f * mixed[v] + 0.25f * second[v];
            sum += Math.exp(mixed[v] / 0.5);
          }
          assertThat((double) completion.logProbs()[t])
              .isCloseTo(mixed[completion.ids()[t]] / 0.5 - Math.log(sum), within(1e-5));
        }
      }
    }
  }

  private static float[] logits(Decoder model, int[] ids) {
    try (var rows = model.continuing(List.of(ids), 1, Adapter.ON)) {
      return rows.nextLogits()[0];
    }
  }

  @Test
  void aMixtureOfOtherVocabulariesIsRefusedByName() {
    try (ModelFolder folder = RandomModel.of(RandomModel.llama(1, 16, 24, 2, 17), 0.5, 4);
        Decoder other = Decoder.load(folder, DecoderOptions.frozen())) {
      assertThatThrownBy(
              () ->
                  new Generator(decoder, new int[] {2})
                      .mixedWith(new Generator.Mixture(other, Adapter.ON, 0.5)))
          .isInstanceOf(CollimateException.class)
          .hasMessage(
              "reference_model: its vocabulary has 17 tokens, the model's has 13; a mixture of both needs the same");
    }
  }

  @Test
  void aLimitThatIsNeverReachedCostsNothing() {
    int[] allButOne = IntStream.range(0, VOCAB).filter(id -> id != 5).toArray();
    SamplingParams params = new SamplingParams(1_000_000_000, 1, 0, 1, 5, false);
    List<Completion> completions =
        new Generator(decoder, allButOne).generate(List.of(PROMPT), List.of(0L), params);
    assertThat(completions.get(0).ids()).hasSizeLessThan(50);
  }

  @Test
  void moreTokensThanCanBeCountedAreRefusedByName() {
    SamplingParams params = SamplingParams.greedy(Integer.MAX_VALUE);
    assertThatThrownBy(() -> generate(1, params))
        .isInstanceOfSatisfying(
            CollimateException.class,
            e -> assertThat(e.kind()).isEqualTo(CollimateException.Kind.USAGE))
        .hasMessage(
            "max_new_tokens must be at most 2147483644 behind a prompt of 3 tokens, got 2147483647");
  }

  @Test
  void firstTokensAreDrawnAsOftenAsTheirProbabilitySays() {
    int draws = 2000;
    SamplingParams one = new SamplingParams(1, 1, 0, 1, 11, true);
    int[] counts = new int[VOCAB];
    double[] probabilities = new double[VOCAB];
    for (Completion completion : generate(draws, one)) {
      counts[completion.ids()[0]]++;
      probabilities[completion.ids()[0]] = Math.exp(completion.logProbs()[0]);
    }
    for (int id = 0; id < VOCAB; id++) {
      double deviation = Math.sqrt(draws * probabilities[id] * (1 - probabilities[id]));
      assertThat((double) counts[id])
          .isCloseTo(draws * probabilities[id], within(4 * deviation + 3));
    }
  }

  @Test
  void topKAndTopPDrawOnlyFromTheMostProbable() {
    long distinctOfTwo = distinctFirst(new SamplingParams(1, 2, 2, 1, 11, true));
    long distinctOfHalf = distinctFirst(new SamplingParams(1, 2, 0, 0.5, 11, true));
    long distinctOfAll = distinctFirst(new SamplingParams(1, 2, 0, 1, 11, true));
    assertThat(distinctOfTwo).isEqualTo(2);
    assertThat(distinctOfHalf).isBetween(2L, distinctOfAll - 1);
  }

  @Test
  void finishedRowsStopAndTheOthersGoOn() {
    Generator endless = new Generator(decoder, new int[] {});
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      prompts.add(i % 2 == 0 ? new int[] {1, i, 5, 4} : new int[] {1, i});
    }
    List<Long> seeds = LongStream.range(0, 8).boxed().toList();
    SamplingParams params = new SamplingParams(24, 1, 0, 1, 2, false);
    List<Completion> all = endless.generate(prompts, seeds, params);
    int eos = 6;
    List<Completion> ended =
        new Generator(decoder, new int[] {eos}).generate(prompts, seeds, params);
    // Enough rows end early to be dropped from the batch, and one goes on to the limit.
    assertThat(ended.stream().filter(completion -> completion.ids().length < 24).count())
        .isBetween(2L, 7L);
    for (int row = 0; row < 8; row++) {
      int[] expected = all.get(row).ids();
      int end = 1;
      while (end < expected.length && expected[end - 1] != eos) {
        end++;
      }
      assertThat(ended.get(row).ids())
          .as("row %d", row)
          .containsExactly(Arrays.copyOf(expected, end));
      assertThat(ended.get(row).logProbs()).hasSize(end);
    }
  }

  @Test
  void badParametersAreNamed() {
    assertThatThrownBy(() -> new SamplingParams(0, 0, 0, 1, 0, false))
        .isInstanceOf(CollimateException.class)
        .hasMessage("max_new_tokens must be at least 1, got 0");
    assertThatThrownBy(() -> new SamplingParams(1, -1, 0, 1, 0, false))
        .hasMessage("temperature must be 0 or more, got -1.0");
    assertThatThrownBy(() -> new SamplingParams(1, 1, 0, 0, 0, false))
        .hasMessage("top_p must be above 0 and at most 1, got 0.0");
  }

  @Test
  void aPromptWithoutATokenIsRefused() {
    assertThatThrownBy(() -> decoder.continuing(List.of(PROMPT, new int[0]), 1, Adapter.ON))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a prompt without a token cannot be continued");
  }

  @Test
  void theLastNewTokenNeedsNoLearnedPosition() {
    String gpt2 =
        """
        {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": 16, "n_head": 2,
         "n_layer": 1, "n_positions": 5, "vocab_size": 13}
        """;
    try (ModelFolder model = RandomModel.of(gpt2, 0.5, 3);
        Decoder learned = Decoder.load(model, DecoderOptions.frozen())) {
      Generator generator = new Generator(learned, new int[0]);
      assertThat(learned.roomAfter(PROMPT.length)).isEqualTo(3);
      assertThat(
              generator
                  .generate(List.of(PROMPT), List.of(0L), SamplingParams.greedy(3))
                  .get(0)
                  .ids())
          .hasSize(3);
      assertThatThrownBy(
              () -> generator.generate(List.of(PROMPT), List.of(0L), SamplingParams.greedy(4)))
          .isInstanceOf(CollimateException.class)
          .hasMessage(
              "A prompt of 3 tokens leaves room for 3 new ones, not for 4: this model reads at most 5");
    }
  }

  @Test
  void aTokenWhoseLogProbabilityIsNoNumberIsBadData() {
    try (ModelFolder model = RandomModel.of(RandomModel.llama(1, 16, 24, 2, VOCAB), 0.5, 3);
        Decoder broken = Decoder.load(model, DecoderOptions.training(Trained.ALL_WEIGHTS))) {
      FlatVector weights = new FlatVector(broken.layout().size());
      for (long i = 0; i < weights.size(); i++) {
        weights.set(i, Float.NaN);
      }
      broken.load(weights);
      Generator generator = new Generator(broken, new int[] {2});
      assertThatThrownBy(
              () -> generator.generate(List.of(PROMPT), List.of(0L), SamplingParams.greedy(2)))
          .isInstanceOf(CollimateException.class)
          .hasMessageContaining("the log-probability NaN; its weights are broken");
    }
  }

  private static long distinctFirst(SamplingParams params) {
    return generate(200, params).stream().mapToInt(c -> c.ids()[0]).distinct().count();
  }

  private static SamplingParams params(double temperature, int topK, double topP, long seed) {
    return new SamplingParams(12, temperature, topK, topP, seed, true);
  }

  private static List<Completion> generate(int rows, SamplingParams params) {
    return new Generator(decoder, new int[] {2})
        .generate(
            Collections.nCopies(rows, PROMPT), LongStream.range(0, rows).boxed().toList(), params);
  }

  private static int[][] ids(List<Completion> completions) {
    return completions.stream().map(Completion::ids).toArray(int[][]::new);
  }
}
