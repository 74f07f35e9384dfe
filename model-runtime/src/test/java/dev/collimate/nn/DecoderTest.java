package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.engine.EngineException;
import dev.collimate.CollimateException;
import dev.collimate.checkpoint.AdapterConfig;
import dev.collimate.checkpoint.AdapterFolder;
import dev.collimate.checkpoint.AdapterInit;
import dev.collimate.checkpoint.AdapterLayout;
import dev.collimate.checkpoint.AdapterWriter;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.SaveDtype;
import dev.collimate.checkpoint.TargetModules;
import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.DecoderOptions.Recomputation;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout.Parameter;
import dev.collimate.random.CounterRandom;
import dev.collimate.text.Sequence;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DecoderTest {

  private static final int VOCAB = 61;
  private static final String CONFIG = RandomModel.llama(2, 32, 48, 4, VOCAB);
  private static final DecoderOptions ALL = DecoderOptions.training(Trained.ALL_WEIGHTS);
  private static final DecoderOptions ADAPTER = DecoderOptions.training(Trained.ADAPTER);
  private static final AdapterConfig LORA =
      new AdapterConfig(4, 8, 0, new TargetModules.AllLinear(), false, "");

  @BeforeAll
  static void startEngine() {
    Engine.start(1, ComputeDevice.cpu());
  }

  @Test
  void callsOneThreeAndAHundredGiveEqualBits() {
    try (Decoder decoder = decoder(ALL)) {
      float[] first = step(decoder, sequences());
      for (int call = 2; call <= 100; call++) {
        float[] again = step(decoder, sequences());
        if (call == 3 || call == 100) {
          assertThat(again).as("call %d", call).containsExactly(first);
        }
        if (call % 10 == 0) {
          step(decoder, sequences().subList(0, call / 40 + 1));
        }
      }
    }
  }

  @Test
  void anotherThreadGivesEqualBits() {
    try (Decoder decoder = decoder(ALL)) {
      float[] here = step(decoder, sequences());
      float[] there =
          CompletableFuture.supplyAsync(
                  () -> step(decoder, sequences()), work -> new Thread(work).start())
              .join();
      assertThat(there).containsExactly(here);
    }
  }

  @Test
  void aDecoderLoadedAgainGivesEqualBits() {
    try (Decoder one = decoder(ALL);
        Decoder other = decoder(ALL)) {
      assertThat(step(one, sequences())).containsExactly(step(other, sequences()));
    }
  }

  @Test
  void passesLeaveNoTensorBehind() {
    try (Decoder decoder = decoder(ALL)) {
      step(decoder, sequences());
      int held = decoder.heldTensors();
      for (int i = 0; i < 20; i++) {
        step(decoder, sequences());
        decoder.load(new FlatVector(decoder.layout().size()));
        decoder.continuing(List.of(new int[] {1, 2}), 3, Adapter.ON).close();
      }
      assertThat(decoder.heldTensors()).isEqualTo(held);
    }
  }

  @Test
  void aGenerationThatCannotBeginLeavesNoTensorBehind() {
    try (Decoder decoder = decoder(DecoderOptions.frozen())) {
      List<int[]> prompts = List.of(new int[] {1, 2});
      decoder.continuing(prompts, 3, Adapter.ON).close();
      int held = decoder.heldTensors();
      // The buffers are there when the prompt finds no room in them.
      assertThatThrownBy(() -> decoder.continuing(prompts, -1, Adapter.ON))
          .isInstanceOf(EngineException.class);
      assertThat(decoder.heldTensors()).isEqualTo(held);
    }
  }

  @Test
  void loadedParametersComeBackAndCount() {
    try (Decoder decoder = decoder(ALL)) {
      FlatVector before = new FlatVector(decoder.layout().size());
      decoder.store(before);
      float[] gradient = step(decoder, sequences());
      FlatVector other = before.copy();
      other.set(before.size() - 1, other.get(before.size() - 1) + 0.5f);
      decoder.load(other);
      FlatVector back = new FlatVector(before.size());
      decoder.store(back);
      assertThat(back.block(0)).containsExactly(other.block(0));
      assertThat(step(decoder, sequences())).isNotEqualTo(gradient);
      decoder.load(before);
      assertThat(step(decoder, sequences())).containsExactly(gradient);
    }
  }

  @Test
  void recomputedLayersGiveTheSameGradientButForRounding() {
    DecoderOptions recomputed =
        new DecoderOptions(Precision.FLOAT32, Recomputation.LAYERS, Trained.ALL_WEIGHTS);
    try (Decoder kept = decoder(ALL);
        Decoder again = decoder(recomputed)) {
      float[] one = step(kept, sequences());
      float[] other = step(again, sequences());
      for (int i = 0; i < one.length; i++) {
        assertThat(other[i]).isCloseTo(one[i], within(1e-4f));
      }
    }
  }

  @Test
  void layersBelowTheLowestAdaptedOneAreNeitherKeptNorRecomputed() {
    DecoderOptions recomputed =
        new DecoderOptions(Precision.FLOAT32, Recomputation.LAYERS, Trained.ADAPTER);
    try (Decoder kept = decoder(new AdapterSource.Fresh(onQueriesOfLayer(1), 3), ADAPTER);
        Decoder ofFirst = decoder(new AdapterSource.Fresh(onQueriesOfLayer(0), 3), recomputed);
        Decoder ofLast = decoder(new AdapterSource.Fresh(onQueriesOfLayer(1), 3), recomputed)) {
      moveFactors(kept);
      moveFactors(ofLast);
      assertThat(step(ofLast, sequences())).containsExactly(step(kept, sequences()), within(1e-4f));
      assertThat(tensorsOfAPass(ofLast)).isEqualTo(tensorsOfAPass(ofFirst) - 1);
    }
  }

  @Test
  void paddingBesideARowMovesItsValuesByRoundingOnly() {
    List<Sequence> sequences = sequences();
    try (Decoder decoder = decoder(DecoderOptions.frozen());
        CausalModel.Pass together =
            decoder.forward(sequences, Set.of(), Mode.EVALUATE, Adapter.ON)) {
      for (int row = 0; row < sequences.size(); row++) {
        try (CausalModel.Pass alone =
            decoder.forward(List.of(sequences.get(row)), Set.of(), Mode.EVALUATE, Adapter.ON)) {
          float[] expected = alone.values(Quantity.LOG_PROB)[0];
          float[] actual = together.values(Quantity.LOG_PROB)[row];
          assertThat(actual).hasSameSizeAs(expected);
          for (int i = 0; i < actual.length; i++) {
            assertThat(actual[i]).isCloseTo(expected[i], within(1e-5f));
          }
        }
      }
    }
  }

  @Test
  void metricsAreReadOffTheSameLogits() {
    int[] ids = {1, 5, 9, 13, 21};
    Sequence sequence = new Sequence(ids, 3, new byte[] {0, 0, 0, 1, 1});
    try (Decoder decoder = decoder(DecoderOptions.frozen());
        CausalModel.Pass pass =
            decoder.forward(
                List.of(sequence),
                EnumSet.complementOf(EnumSet.of(Quantity.SCORE, Quantity.VALUE)),
                Mode.EVALUATE,
                Adapter.ON)) {
      boolean[] valid = {true, true, true, true, true};
      float[] logits =
          decoder.logits(
              new int[][] {ids},
              new boolean[][] {valid},
              new int[][] {{0, 1, 2, 3, 4}},
              Adapter.ON);
      for (int token = 0; token < 2; token++) {
        float[] row = Arrays.copyOfRange(logits, (token + 2) * VOCAB, (token + 3) * VOCAB);
        double total = 0;
        double mean = 0;
        int best = 0;
        for (int i = 0; i < VOCAB; i++) {
          total += Math.exp(row[i]);
          mean += row[i] / VOCAB;
          best = row[i] > row[best] ? i : best;
        }
        double entropy = 0;
        double squares = 0;
        for (float logit : row) {
          double p = Math.exp(logit) / total;
          entropy -= p * Math.log(p);
          squares += p * p;
        }
        int target = ids[token + 3];
        assertThat((double) pass.values(Quantity.LOG_PROB)[0][token])
            .isCloseTo(row[target] - Math.log(total), within(1e-5));
        assertThat((double) pass.values(Quantity.MEAN_LOGIT)[0][token])
            .isCloseTo(mean, within(1e-5));
        assertThat((double) pass.values(Quantity.ENTROPY)[0][token])
            .isCloseTo(entropy, within(1e-5));
        assertThat((double) pass.values(Quantity.LOG_SUM_SQUARES)[0][token])
            .isCloseTo(Math.log(squares), within(1e-5));
        assertThat(pass.values(Quantity.TOP1)[0][token]).isEqualTo(best == target ? 1f : 0f);
      }
    }
  }

  @Test
  void aBatchWithoutCountedTokensHasNoGradient() {
    Sequence sequence = new Sequence(new int[] {1, 2, 3}, 3, new byte[3]);
    try (Decoder decoder = decoder(ALL)) {
      assertThat(step(decoder, List.of(sequence))).containsOnly(0f);
    }
  }

  @Test
  void aGradientIsGivenOnceAndOnlyInTraining() {
    try (Decoder decoder = decoder(ALL)) {
      FlatVector into = new FlatVector(decoder.layout().size());
      try (CausalModel.Pass pass =
          decoder.forward(sequences(), Set.of(), Mode.EVALUATE, Adapter.ON)) {
        float[][] g = pass.values(Quantity.LOG_PROB);
        assertThatThrownBy(() -> pass.backward(g, into))
            .isInstanceOf(IllegalStateException.class)
            .hasMessage("a gradient can be asked for once, and only in mode TRAIN");
      }
      try (CausalModel.Pass pass = decoder.forward(sequences(), Set.of(), Mode.TRAIN, Adapter.ON)) {
        float[][] g = pass.values(Quantity.LOG_PROB);
        pass.backward(g, into);
        assertThatThrownBy(() -> pass.backward(g, into))
            .isInstanceOf(IllegalStateException.class)
            .hasMessage("a gradient can be asked for once, and only in mode TRAIN");
      }
    }
  }

  @Test
  void aLongerVectorHasTheGradientInFront() {
    try (Decoder decoder = decoder(ALL)) {
      float[] expected = step(decoder, sequences());
      float[] longer = step(decoder, sequences(), new FlatVector(decoder.layout().size() + 3));
      assertThat(Arrays.copyOf(longer, expected.length)).containsExactly(expected);
    }
  }

  @Test
  void aFreshAdapterIsTheBaseModelUntilItIsTrained() {
    try (Decoder base = decoder(DecoderOptions.frozen());
        Decoder adapted = decoder(new AdapterSource.Fresh(LORA, 3), ADAPTER)) {
      float[][] expected = logProbs(base, Adapter.ON);
      assertThat(logProbs(adapted, Adapter.ON)).isDeepEqualTo(expected);
      assertThat(logProbs(adapted, Adapter.OFF)).isDeepEqualTo(expected);
      moveFactors(adapted);
      assertThat(logProbs(adapted, Adapter.OFF)).isDeepEqualTo(expected);
      assertThat(logProbs(adapted, Adapter.ON)[0]).isNotEqualTo(expected[0]);
    }
  }

  @Test
  void aFreshAdaptersFactorsDependOnTheSeed() {
    try (Decoder one = decoder(new AdapterSource.Fresh(LORA, 3), ADAPTER);
        Decoder other = decoder(new AdapterSource.Fresh(LORA, 4), ADAPTER)) {
      assertThat(one.layout().parameters()).hasSize(2 * 2 * 7);
      FlatVector a = new FlatVector(one.layout().size());
      FlatVector b = new FlatVector(other.layout().size());
      one.store(a);
      other.store(b);
      assertThat(a.block(0)).isNotEqualTo(b.block(0));
      Parameter first = one.layout().parameters().get(0);
      assertThat(first.name())
          .isEqualTo("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight");
      float bound = (float) (1 / Math.sqrt(32));
      for (long i = 0; i < first.size(); i++) {
        assertThat(a.get(i)).isBetween(-bound, bound);
      }
    }
  }

  @Test
  void bfloat16ProductsGiveNearlyTheSame() {
    DecoderOptions options =
        new DecoderOptions(Precision.BFLOAT16, Recomputation.NONE, Trained.ALL_WEIGHTS);
    try (Decoder exact = decoder(ALL);
        Decoder rounded = decoder(options)) {
      float[] one = step(exact, sequences());
      float[] other = step(rounded, sequences());
      assertThat(other).isNotEqualTo(one);
      assertThat(cosine(one, other)).isGreaterThan(0.999);
      assertThat(step(rounded, sequences())).containsExactly(other);
    }
  }

  @Test
  void frozenWeightsMayBeKeptInBfloat16UnderAnAdapter() {
    DecoderOptions options =
        new DecoderOptions(Precision.BFLOAT16, Recomputation.LAYERS, Trained.ADAPTER);
    try (Decoder exact = decoder(new AdapterSource.Fresh(LORA, 3), ADAPTER);
        Decoder rounded = decoder(new AdapterSource.Fresh(LORA, 3), options)) {
      moveFactors(exact);
      moveFactors(rounded);
      float[] gradient = step(rounded, sequences());
      assertThat(step(rounded, sequences())).containsExactly(gradient);
      assertThat(cosine(step(exact, sequences()), gradient)).isGreaterThan(0.99);
    }
  }

  @Test
  void anAdapterOnTheHeadIsRefusedByTargetOrByFolder(@TempDir Path directory) {
    AdapterConfig ofHead =
        new AdapterConfig(4, 8, 0, TargetModules.of(List.of("lm_head")), false, "");
    assertThatThrownBy(() -> decoder(new AdapterSource.Fresh(ofHead, 3), ADAPTER))
        .hasMessageStartingWith("target_modules: an adapter on lm_head is not supported yet");
    Path path = directory.resolve("adapter");
    try (ModelFolder model = RandomModel.of(CONFIG, 0.3, 5)) {
      AdapterLayout layout = AdapterLayout.of(ofHead, model.layout());
      AdapterWriter.write(
          ofHead,
          layout,
          AdapterInit.values(layout, model, 3),
          SaveDtype.BASE,
          new LocalFolderSink(path));
    }
    try (AdapterFolder folder = AdapterFolder.open(LocalFolder.existing(path))) {
      assertThatThrownBy(() -> decoder(new AdapterSource.Continued(folder), ADAPTER))
          .isInstanceOfSatisfying(
              CollimateException.class,
              e -> assertThat(e.kind()).isEqualTo(CollimateException.Kind.DATA))
          .hasMessageStartingWith("The adapter in " + path + " adapts lm_head");
    }
  }

  @Test
  void tokensOutsideTheVocabularyAreNamed() {
    Sequence sequence = new Sequence(new int[] {1, VOCAB}, 1, new byte[] {0, 1});
    try (Decoder decoder = decoder(DecoderOptions.frozen())) {
      assertThatThrownBy(
              () -> decoder.forward(List.of(sequence), Set.of(), Mode.EVALUATE, Adapter.ON))
          .isInstanceOf(CollimateException.class)
          .hasMessage("A sequence has the token id 61, this model's vocabulary has ids 0 to 60");
    }
  }

  private static Decoder decoder(DecoderOptions options) {
    return decoder(new AdapterSource.None(), options);
  }

  private static Decoder decoder(AdapterSource adapter, DecoderOptions options) {
    try (ModelFolder model = RandomModel.of(CONFIG, 0.3, 5)) {
      return Decoder.load(model, adapter, options);
    }
  }

  private static AdapterConfig onQueriesOfLayer(int layer) {
    String name = "layers." + layer + ".self_attn.q_proj";
    return new AdapterConfig(4, 8, 0, TargetModules.of(List.of(name)), false, "");
  }

  /** B starts at zero, and while it is zero A has no gradient. */
  private static void moveFactors(Decoder decoder) {
    FlatVector factors = new FlatVector(decoder.layout().size());
    decoder.store(factors);
    for (long i = 0; i < factors.size(); i++) {
      factors.set(i, factors.get(i) + 0.1f);
    }
    decoder.load(factors);
  }

  /** Native tensors that the decoder holds while a pass can be differentiated. */
  private static int tensorsOfAPass(Decoder decoder) {
    try (CausalModel.Pass pass = decoder.forward(sequences(), Set.of(), Mode.TRAIN, Adapter.ON)) {
      assertThat(pass.values(Quantity.LOG_PROB)).isNotEmpty();
      return decoder.heldTensors();
    }
  }

  private static double cosine(float[] one, float[] other) {
    double dot = 0;
    double ofOne = 0;
    double ofOther = 0;
    for (int i = 0; i < one.length; i++) {
      dot += (double) one[i] * other[i];
      ofOne += (double) one[i] * one[i];
      ofOther += (double) other[i] * other[i];
    }
    return dot / Math.sqrt(ofOne * ofOther);
  }

  private static float[][] logProbs(Decoder decoder, Adapter adapter) {
    try (CausalModel.Pass pass = decoder.forward(sequences(), Set.of(), Mode.EVALUATE, adapter)) {
      return pass.values(Quantity.LOG_PROB);
    }
  }

  /** Gradient of a fixed weighted sum of the log-probabilities. */
  private static float[] step(Decoder decoder, List<Sequence> sequences) {
    return step(decoder, sequences, new FlatVector(decoder.layout().size()));
  }

  private static float[] step(Decoder decoder, List<Sequence> sequences, FlatVector gradient) {
    try (CausalModel.Pass pass = decoder.forward(sequences, Set.of(), Mode.TRAIN, Adapter.ON)) {
      float[][] g = pass.values(Quantity.LOG_PROB);
      for (float[] row : g) {
        for (int i = 0; i < row.length; i++) {
          row[i] = 0.1f * (i + 1);
        }
      }
      pass.backward(g, gradient);
    }
    assertThat(gradient.blockCount()).isEqualTo(1);
    return gradient.block(0);
  }

  private static List<Sequence> sequences() {
    List<Sequence> sequences = new ArrayList<>();
    for (int row = 0; row < 5; row++) {
      int length = 6 + 3 * row;
      int[] ids = new int[length];
      byte[] counts = new byte[length];
      for (int t = 0; t < length; t++) {
        ids[t] = (int) (CounterRandom.of(row, "ids").uniform(t) * VOCAB);
        counts[t] = (byte) (t >= 3 ? 1 : 0);
      }
      sequences.add(new Sequence(ids, 3, counts));
    }
    return sequences;
  }
}
