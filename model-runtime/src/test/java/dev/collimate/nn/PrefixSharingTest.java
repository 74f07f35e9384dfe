package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.checkpoint.AdapterConfig;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.TargetModules;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.DecoderOptions.Recomputation;
import dev.collimate.nn.DecoderOptions.Sharing;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout.Parameter;
import dev.collimate.random.CounterRandom;
import dev.collimate.text.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a row's sequences begin with, computed once, gives the numbers of sequences by themselves.
 */
class PrefixSharingTest {

  private static final float TOLERANCE = 1e-5f;
  private static final int VOCAB = 41;
  private static final long SEED = 11;
  private static final Set<Quantity> OF_TOKENS =
      EnumSet.complementOf(EnumSet.of(Quantity.SCORE, Quantity.VALUE));
  private static final String LLAMA =
      RandomModel.llama(/* layers= */ 2, /* hidden= */ 32, 48, /* heads= */ 4, VOCAB);

  @BeforeAll
  static void start() {
    Engine.start(1, ComputeDevice.cpu());
  }

  static Stream<Arguments> models() {
    return FamiliesTest.models();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("models")
  void everyQuantityOfEveryTokenIsThatOfSequencesByThemselves(String name, String config) {
    List<List<Sequence>> rows = rows();
    try (ModelFolder model = RandomModel.of(config, 0.4, SEED);
        Decoder alone = Decoder.load(model, DecoderOptions.frozen());
        Decoder sharing =
            Decoder.load(model, DecoderOptions.frozen().withSharing(Sharing.PREFIXES));
        CausalModel.Pass expected = evaluate(alone, rows);
        CausalModel.Pass actual = evaluate(sharing, rows)) {
      for (Quantity quantity : OF_TOKENS) {
        assertClose(name + ", " + quantity, actual.values(quantity), expected.values(quantity));
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("models")
  void gradientsAreThoseOfSequencesByThemselves(String name, String config) {
    try (ModelFolder model = RandomModel.of(config, 0.4, SEED)) {
      assertGradientsClose(name, model, new AdapterSource.None(), Trained.ALL_WEIGHTS);
      AdapterSource fresh =
          new AdapterSource.Fresh(
              new AdapterConfig(4, 8, 0, new TargetModules.AllLinear(), false, ""), 3);
      assertGradientsClose(name, model, fresh, Trained.ADAPTER);
    }
  }

  private static void assertGradientsClose(
      String name, ModelFolder model, AdapterSource source, Trained trained) {
    DecoderOptions options = DecoderOptions.training(trained);
    DecoderOptions recomputed =
        new DecoderOptions(Precision.FLOAT32, Recomputation.LAYERS, trained, Sharing.PREFIXES);
    try (Decoder alone = Decoder.load(model, source, options);
        Decoder sharing = Decoder.load(model, source, options.withSharing(Sharing.PREFIXES));
        Decoder again = Decoder.load(model, source, recomputed)) {
      FlatVector parameters = numbers(alone, trained == Trained.ADAPTER);
      for (List<List<Sequence>> rows : List.of(rows(), rows().subList(0, 1))) {
        FlatVector expected = gradient(alone, parameters, rows);
        FlatVector actual = gradient(sharing, parameters, rows);
        assertClose(name + ", " + trained, alone, actual, expected);
        assertThat(gradient(again, parameters, rows).block(0)).containsExactly(actual.block(0));
      }
    }
  }

  /** The trained numbers; an adapter's second factors begin at zero, so random ones for those. */
  private static FlatVector numbers(Decoder decoder, boolean isRandom) {
    FlatVector numbers = new FlatVector(decoder.layout().size());
    decoder.store(numbers);
    CounterRandom random = CounterRandom.of(SEED, "adapter");
    for (long i = 0; isRandom && i < numbers.size(); i++) {
      numbers.set(i, (float) (0.4 * random.uniform(i) - 0.2));
    }
    return numbers;
  }

  @Test
  void longRowsAreCutIntoBlocksOfQueries() {
    Random random = new Random(SEED);
    List<List<Sequence>> rows =
        List.of(row(random, 300, 150, 400), row(random, 2, 300, 128), row(random, 700, 5, 129));
    String windowed =
        LLAMA
            .replace("LlamaForCausalLM", "MistralForCausalLM")
            .replace("\"llama\"", "\"mistral\", \"sliding_window\": 40");
    for (String config : List.of(LLAMA, windowed)) {
      try (ModelFolder model = RandomModel.of(config, 0.4, SEED)) {
        DecoderOptions options = DecoderOptions.training(Trained.ALL_WEIGHTS);
        try (Decoder alone = Decoder.load(model, options);
            Decoder sharing = Decoder.load(model, options.withSharing(Sharing.PREFIXES))) {
          FlatVector parameters = numbers(alone, /* isRandom= */ false);
          assertClose(config, logProbs(sharing, rows), logProbs(alone, rows));
          assertClose(
              config,
              alone,
              gradient(sharing, parameters, rows),
              gradient(alone, parameters, rows));
        }
      }
    }
  }

  @Test
  void aTokenOfOneSideIsSeenByThatSideAlone() {
    List<Sequence> row = row(new Random(SEED), 7, 5, 6);
    int[] other = row.get(0).ids().clone();
    other[8] = (other[8] + 1) % VOCAB;
    Sequence perturbed = new Sequence(other, row.get(0).promptLength(), row.get(0).lossMask());
    try (ModelFolder model = RandomModel.of(LLAMA, 0.4, SEED);
        Decoder sharing =
            Decoder.load(model, DecoderOptions.frozen().withSharing(Sharing.PREFIXES))) {
      float[][] before = logProbs(sharing, List.of(row));
      float[][] after = logProbs(sharing, List.of(List.of(perturbed, row.get(1))));
      assertThat(after[1]).containsExactly(before[1], within(1e-6f));
      assertThat(after[0][4]).isNotCloseTo(before[0][4], within(1e-3f));
      assertThat(after[0][0]).isCloseTo(before[0][0], within(1e-6f));
    }
  }

  @ParameterizedTest
  @EnumSource(Recomputation.class)
  void bfloat16IsAsFarFromFloat32AsWithoutSharing(Recomputation recomputation) {
    List<List<Sequence>> rows = rows();
    DecoderOptions exact = DecoderOptions.training(Trained.ALL_WEIGHTS);
    DecoderOptions alone =
        new DecoderOptions(Precision.BFLOAT16, recomputation, Trained.ALL_WEIGHTS);
    try (ModelFolder model = RandomModel.of(LLAMA, 0.4, SEED)) {
      FlatVector expected = gradient(model, exact, rows);
      double usual = distance(gradient(model, alone, rows), expected);
      double shared =
          distance(gradient(model, alone.withSharing(Sharing.PREFIXES), rows), expected);
      assertThat(shared).isLessThan(2 * usual);
    }
  }

  @Test
  void passesLeaveNoTensorBehind() {
    try (ModelFolder model = RandomModel.of(LLAMA, 0.4, SEED);
        Decoder sharing =
            Decoder.load(
                model,
                DecoderOptions.training(Trained.ALL_WEIGHTS).withSharing(Sharing.PREFIXES))) {
      FlatVector parameters = numbers(sharing, /* isRandom= */ false);
      gradient(sharing, parameters, rows());
      int held = sharing.heldTensors();
      float[] first = gradient(sharing, parameters, rows()).block(0);
      assertThat(gradient(sharing, parameters, rows()).block(0)).containsExactly(first);
      assertThat(sharing.heldTensors()).isEqualTo(held);
    }
  }

  @Test
  void aPairTakesItsPromptOnceAndOneTokenMore() {
    Random random = new Random(SEED);
    assertThat(PackedRows.of(List.of(row(random, 9, 4, 6))).ids()).hasSize(9 + 4 + 1 + 6);
    assertThat(PackedRows.of(List.of(row(random, 1, 4, 6))).ids()).hasSize(1 + 4 + 1 + 6);
    assertThat(PackedRows.of(List.of(row(random, 9, 4, 6, 2))).ids())
        .hasSize(9 + 4 + 1 + 6 + 1 + 2);
    assertThat(PackedRows.of(List.of(row(random, 9, 4, 6), row(random, 3, 1, 2))).positions())
        .containsExactly(
            0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 9, 10, 11, 12, 13, 14, 0, 1, 2, 3, 2, 3,
            4);
  }

  @Test
  void whatCountsOrDiffersIsNotShared() {
    Sequence one = new Sequence(new int[] {5, 6, 7, 8, 9}, 3, new byte[] {0, 0, 0, 1, 1});
    Sequence sameTokens = new Sequence(new int[] {5, 6, 7, 8}, 3, new byte[] {0, 0, 0, 1});
    Sequence merged = new Sequence(new int[] {5, 6, 30, 9}, 3, new byte[] {0, 0, 0, 1});
    Sequence counted = new Sequence(new int[] {5, 6, 7}, 1, new byte[] {0, 1, 0});
    Sequence stranger = new Sequence(new int[] {9, 6, 7}, 2, new byte[] {0, 0, 1});
    assertThat(Sequence.sharedTokens(List.of(one, sameTokens))).isEqualTo(2);
    assertThat(Sequence.sharedTokens(List.of(one, merged))).isEqualTo(1);
    assertThat(Sequence.sharedTokens(List.of(one, sameTokens, counted))).isZero();
    assertThat(Sequence.sharedTokens(List.of(one, stranger))).isZero();
    assertThat(Sequence.sharedTokens(List.of(one))).isZero();
  }

  /** Prompts of 1 to 12 tokens, and rows that share less than their prompt, or nothing. */
  private static List<List<Sequence>> rows() {
    Random random = new Random(SEED);
    List<List<Sequence>> rows = new ArrayList<>();
    rows.add(row(random, 6, 3, 5));
    rows.add(row(random, 1, 4, 2));
    for (int i = 0; i < 4; i++) {
      rows.add(row(random, 1 + random.nextInt(12), 1 + random.nextInt(9), 1 + random.nextInt(9)));
    }
    // A merge at the boundary: the prompts' last tokens differ.
    List<Sequence> merged = row(random, 5, 3, 4);
    merged.get(1).ids()[4] = (merged.get(0).ids()[4] + 1) % VOCAB;
    rows.add(merged);
    // Nothing in common.
    List<Sequence> strangers = row(random, 4, 3, 2);
    strangers.get(1).ids()[0] = (strangers.get(0).ids()[0] + 1) % VOCAB;
    rows.add(strangers);
    // Sides that begin alike, one with nothing behind it, and tokens that do not count.
    List<Sequence> alike = row(random, 4, 3, 6);
    System.arraycopy(alike.get(0).ids(), 4, alike.get(1).ids(), 4, 2);
    alike.get(1).lossMask()[7] = 0;
    rows.add(alike);
    rows.add(row(random, 3, 0, 2));
    return rows;
  }

  /** Sequences with a common prompt of random tokens, everything behind it counted. */
  private static List<Sequence> row(Random random, int prompt, int... completions) {
    int[] common = random.ints(prompt, 0, VOCAB).toArray();
    List<Sequence> row = new ArrayList<>();
    for (int i = 0; i < completions.length; i++) {
      int[] ids = Arrays.copyOf(common, prompt + completions[i]);
      byte[] mask = new byte[ids.length];
      for (int t = prompt; t < ids.length; t++) {
        ids[t] = random.nextInt(VOCAB);
        mask[t] = 1;
      }
      row.add(new Sequence(ids, prompt, mask));
    }
    return row;
  }

  private static CausalModel.Pass evaluate(Decoder decoder, List<List<Sequence>> rows) {
    return decoder.forwardRows(rows, OF_TOKENS, Mode.EVALUATE, Adapter.ON);
  }

  private static float[][] logProbs(Decoder decoder, List<List<Sequence>> rows) {
    try (CausalModel.Pass pass = evaluate(decoder, rows)) {
      return pass.values(Quantity.LOG_PROB);
    }
  }

  private static FlatVector gradient(
      ModelFolder model, DecoderOptions options, List<List<Sequence>> rows) {
    try (Decoder decoder = Decoder.load(model, options)) {
      return gradient(decoder, numbers(decoder, /* isRandom= */ false), rows);
    }
  }

  /** Of a weighted mean of all log-probabilities, sides against each other as in a pair's loss. */
  private static FlatVector gradient(
      Decoder decoder, FlatVector parameters, List<List<Sequence>> rows) {
    decoder.load(parameters);
    FlatVector gradient = new FlatVector(parameters.size());
    try (CausalModel.Pass pass = decoder.forwardRows(rows, Set.of(), Mode.TRAIN, Adapter.ON)) {
      float[][] g = pass.values(Quantity.LOG_PROB);
      for (int i = 0; i < g.length; i++) {
        Arrays.fill(g[i], (i % 2 == 0 ? -1f : 0.6f) / g.length);
      }
      pass.backward(g, gradient);
    }
    return gradient;
  }

  private static double distance(FlatVector one, FlatVector other) {
    double sum = 0;
    for (long i = 0; i < one.size(); i++) {
      sum += Math.pow(one.get(i) - other.get(i), 2);
    }
    return Math.sqrt(sum);
  }

  private static void assertClose(String name, float[][] actual, float[][] expected) {
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i])
          .as("%s, sequence %d", name, i)
          .containsExactly(expected[i], within(TOLERANCE));
    }
  }

  /** Within the tolerance of each parameter's largest entry, or of 1. */
  private static void assertClose(
      String name, Decoder decoder, FlatVector actual, FlatVector expected) {
    long offset = 0;
    for (Parameter parameter : decoder.layout().parameters()) {
      double largest = 1;
      double difference = 0;
      for (long i = offset; i < offset + parameter.size(); i++) {
        largest = Math.max(largest, Math.abs(expected.get(i)));
        difference = Math.max(difference, Math.abs(actual.get(i) - expected.get(i)));
      }
      assertThat(difference).as("%s, %s", name, parameter.name()).isLessThan(TOLERANCE * largest);
      offset += parameter.size();
    }
  }
}
