package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.AdapterConfig;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.TargetModules;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.CausalModel.Pass;
import dev.collimate.nn.DecoderOptions.Recomputation;
import dev.collimate.nn.DecoderOptions.Sharing;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.parameters.FlatVector;
import dev.collimate.random.CounterRandom;
import dev.collimate.text.Sequence;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What a policy's pass gives of the reference beside it, and of hidden states. */
class ReferenceReadingTest {

  private static final int VOCAB = 23;
  private static final int HIDDEN = 16;
  private static final int LAYERS = 3;
  private static final String CONFIG =
      RandomModel.llama(LAYERS, HIDDEN, /* intermediate= */ 24, /* heads= */ 4, VOCAB);
  private static final Set<Quantity> ALL =
      EnumSet.of(
          Quantity.LOG_PROB,
          Quantity.REFERENCE_KL,
          Quantity.REFERENCE_ACTIVATIONS,
          Quantity.REWARD_MASK,
          Quantity.KL_MASK,
          Quantity.LAST_HIDDEN);
  private static final Set<Quantity> DIFFERENTIABLE =
      EnumSet.of(
          Quantity.LOG_PROB,
          Quantity.REFERENCE_KL,
          Quantity.REWARD_MASK,
          Quantity.KL_MASK,
          Quantity.LAST_HIDDEN);

  @BeforeAll
  static void start() {
    Engine.start(1, ComputeDevice.cpu());
  }

  private static ModelFolder model(long seed) {
    return RandomModel.of(CONFIG, 0.4, seed);
  }

  private static List<List<Sequence>> rows() {
    Random random = new Random(5);
    return List.of(
        List.of(sequence(random, 3, 4), sequence(random, 3, 2)),
        List.of(sequence(random, 5, 1), sequence(random, 2, 6)));
  }

  private static Sequence sequence(Random random, int prompt, int completion) {
    int[] ids = random.ints(prompt + completion, 0, VOCAB).toArray();
    ids[0] = 1;
    byte[] mask = new byte[ids.length];
    for (int t = prompt; t < ids.length; t++) {
      mask[t] = 1;
    }
    return new Sequence(ids, prompt, mask);
  }

  private static double[] own() {
    TokenMask network = new TokenMask(HIDDEN, LAYERS);
    double[] own = new double[2 * network.size()];
    System.arraycopy(network.initial(3, "one"), 0, own, 0, network.size());
    System.arraycopy(network.initial(3, "two"), 0, own, network.size(), network.size());
    // Most of both masks would be 0 with mixers of either sign.
    for (int network0 = 0; network0 < 2; network0++) {
      for (int layer = 1; layer <= LAYERS; layer++) {
        int c = (network0 + 1) * network.size() - layer;
        own[c] = Math.abs(own[c]);
      }
    }
    return own;
  }

  @Test
  void thePolicyIsAtNoDistanceFromItself() {
    try (ModelFolder folder = model(7);
        Decoder policy = Decoder.load(folder, DecoderOptions.training(Trained.ALL_WEIGHTS));
        Decoder reference = Decoder.load(folder, DecoderOptions.frozen())) {
      policy.compareWith(reference, Adapter.ON);
      try (Pass pass =
          policy.forwardRows(rows(), Set.of(Quantity.REFERENCE_KL), Mode.TRAIN, Adapter.ON)) {
        for (float[] divergences : pass.values(Quantity.REFERENCE_KL)) {
          assertThat(divergences).containsOnly(0f);
        }
      }
    }
  }

  @Test
  void divergencesAreThoseOfWholeDistributions() {
    Sequence sequence = rows().get(0).get(0);
    try (ModelFolder ofPolicy = model(7);
        ModelFolder ofReference = model(8);
        Decoder policy = Decoder.load(ofPolicy, DecoderOptions.frozen());
        Decoder reference = Decoder.load(ofReference, DecoderOptions.frozen())) {
      policy.compareWith(reference, Adapter.ON);
      double[][] p = logProbs(policy, sequence);
      double[][] r = logProbs(reference, sequence);
      try (Pass pass =
          policy.forward(
              List.of(sequence), Set.of(Quantity.REFERENCE_KL), Mode.EVALUATE, Adapter.ON)) {
        float[] divergences = pass.values(Quantity.REFERENCE_KL)[0];
        assertThat(divergences).hasSize(4);
        for (int t = 0; t < divergences.length; t++) {
          double expected = 0;
          for (int v = 0; v < VOCAB; v++) {
            expected += Math.exp(r[t + 2][v]) * (r[t + 2][v] - p[t + 2][v]);
          }
          assertThat((double) divergences[t]).isCloseTo(expected, within(1e-5));
        }
      }
    }
  }

  /** [position][vocab]. */
  private static double[][] logProbs(Decoder decoder, Sequence sequence) {
    int length = sequence.length();
    boolean[] valid = new boolean[length];
    int[] positions = new int[length];
    for (int t = 0; t < length; t++) {
      valid[t] = true;
      positions[t] = t;
    }
    float[] flat =
        decoder.logits(
            new int[][] {sequence.ids()},
            new boolean[][] {valid},
            new int[][] {positions},
            Adapter.ON);
    double[][] logProbs = new double[length][VOCAB];
    for (int t = 0; t < length; t++) {
      double sum = 0;
      for (int v = 0; v < VOCAB; v++) {
        sum += Math.exp(flat[t * VOCAB + v]);
      }
      for (int v = 0; v < VOCAB; v++) {
        logProbs[t][v] = flat[t * VOCAB + v] - Math.log(sum);
      }
    }
    return logProbs;
  }

  @Test
  void theReferenceOfAFreshAdapterIsTheModelWithoutIt() {
    AdapterSource fresh =
        new AdapterSource.Fresh(
            new AdapterConfig(4, 8, 0, new TargetModules.AllLinear(), false, ""), 3);
    try (ModelFolder folder = model(7);
        Decoder policy = Decoder.load(folder, fresh, DecoderOptions.training(Trained.ADAPTER));
        Decoder beside = Decoder.load(folder, fresh, DecoderOptions.training(Trained.ADAPTER));
        Decoder base = Decoder.load(folder, DecoderOptions.frozen())) {
      FlatVector adapter = moved(policy, 0.3f, direction(policy.layout().size()));
      policy.load(adapter);
      beside.load(adapter);
      policy.compareWith(policy, Adapter.OFF);
      beside.compareWith(base, Adapter.ON);
      policy.loadOwn(own());
      beside.loadOwn(own());
      assertThat(gradient(policy, rows())).containsExactly(gradient(beside, rows()));
    }
  }

  @Test
  void sharedPrefixesAndRecomputedLayersChangeRoundingAlone() {
    try (ModelFolder ofPolicy = model(7);
        ModelFolder ofReference = model(8);
        Decoder reference = Decoder.load(ofReference, DecoderOptions.frozen());
        Decoder alone = Decoder.load(ofPolicy, DecoderOptions.training(Trained.ALL_WEIGHTS));
        Decoder sharing =
            Decoder.load(
                ofPolicy,
                new DecoderOptions(
                    Precision.FLOAT32,
                    Recomputation.LAYERS,
                    Trained.ALL_WEIGHTS,
                    Sharing.PREFIXES))) {
      for (Decoder policy : List.of(alone, sharing)) {
        policy.compareWith(reference, Adapter.ON);
        policy.loadOwn(own());
      }
      assertThat(gradient(sharing, rows())).containsExactly(gradient(alone, rows()), within(2e-4f));
    }
  }

  /** The slope of the sum of everything along a random direction of the weights. */
  @Test
  void theGradientIsThatOfAllQuantitiesTogether() {
    try (ModelFolder ofPolicy = model(7);
        ModelFolder ofReference = model(8);
        Decoder policy = Decoder.load(ofPolicy, DecoderOptions.training(Trained.ALL_WEIGHTS));
        Decoder reference = Decoder.load(ofReference, DecoderOptions.frozen())) {
      policy.compareWith(reference, Adapter.ON);
      policy.loadOwn(own());
      FlatVector start = moved(policy, 0, direction(policy.layout().size()));
      float[] direction = direction(start.size());
      float[] gradient = gradient(policy, rows());
      double slope = 0;
      for (int i = 0; i < direction.length; i++) {
        slope += (double) gradient[i] * direction[i];
      }

      policy.load(moved(policy, 1e-3f, direction));
      double up = total(policy);
      policy.load(start);
      policy.load(moved(policy, -1e-3f, direction));
      double down = total(policy);

      assertThat(slope).isCloseTo((up - down) / 2e-3, within(2e-3 * Math.max(1, Math.abs(slope))));
    }
  }

  @Test
  void theNetworksDerivativesAreThoseOfFiniteDifferences() {
    try (ModelFolder ofPolicy = model(7);
        ModelFolder ofReference = model(8);
        Decoder policy = Decoder.load(ofPolicy, DecoderOptions.training(Trained.ALL_WEIGHTS));
        Decoder reference = Decoder.load(ofReference, DecoderOptions.frozen())) {
      policy.compareWith(reference, Adapter.ON);
      double[] own = own();
      policy.loadOwn(own);
      float[] ofOwn;
      try (Pass pass = policy.forwardRows(rows(), ALL, Mode.TRAIN, Adapter.ON)) {
        ofOwn = pass.backward(weights(pass), new FlatVector(policy.layout().size()));
      }
      assertThat(ofOwn).hasSameSizeAs(own);
      int nonZero = 0;
      for (int i = 0; i < own.length; i += 3) {
        double at = own[i];
        own[i] = at + 1e-3;
        policy.loadOwn(own);
        double up = total(policy);
        own[i] = at - 1e-3;
        policy.loadOwn(own);
        double down = total(policy);
        own[i] = at;
        double expected = (up - down) / 2e-3;
        nonZero += expected == 0 ? 0 : 1;
        assertThat((double) ofOwn[i])
            .as("parameter %d", i)
            .isCloseTo(expected, within(2e-2 * Math.max(1, Math.abs(expected))));
      }
      assertThat(nonZero).isGreaterThan(10);
    }
  }

  @Test
  void aReferenceOfAnotherVocabularyIsRefused() {
    String other = RandomModel.llama(LAYERS, HIDDEN, 24, 4, VOCAB + 1);
    try (ModelFolder ofPolicy = model(7);
        ModelFolder ofReference = RandomModel.of(other, 0.4, 8);
        Decoder policy = Decoder.load(ofPolicy, DecoderOptions.frozen());
        Decoder reference = Decoder.load(ofReference, DecoderOptions.frozen())) {
      assertThatThrownBy(() -> policy.compareWith(reference, Adapter.ON))
          .isInstanceOf(CollimateException.class)
          .hasMessage(
              "reference_model: its vocabulary has 24 tokens, the model's has 23; divergences need"
                  + " the same");
    }
  }

  @Test
  void passesLeaveNoTensorBehind() {
    try (ModelFolder ofPolicy = model(7);
        ModelFolder ofReference = model(8);
        Decoder policy = Decoder.load(ofPolicy, DecoderOptions.training(Trained.ALL_WEIGHTS));
        Decoder reference = Decoder.load(ofReference, DecoderOptions.frozen())) {
      policy.compareWith(reference, Adapter.ON);
      policy.loadOwn(own());
      float[] first = gradient(policy, rows());
      int held = policy.heldTensors() + reference.heldTensors();
      assertThat(gradient(policy, rows())).containsExactly(first);
      assertThat(policy.heldTensors() + reference.heldTensors()).isEqualTo(held);
    }
  }

  private static float[] direction(long size) {
    CounterRandom random = CounterRandom.of(1, "direction");
    float[] direction = new float[(int) size];
    for (int i = 0; i < direction.length; i++) {
      direction[i] = (float) (random.uniform(i) - 0.5);
    }
    return direction;
  }

  private static FlatVector moved(Decoder policy, float step, float[] direction) {
    FlatVector parameters = new FlatVector(policy.layout().size());
    policy.store(parameters);
    for (int i = 0; i < direction.length; i++) {
      parameters.set(i, parameters.get(i) + step * direction[i]);
    }
    return parameters;
  }

  private static float[] gradient(Decoder policy, List<List<Sequence>> rows) {
    FlatVector into = new FlatVector(policy.layout().size());
    try (Pass pass = policy.forwardRows(rows, ALL, Mode.TRAIN, Adapter.ON)) {
      pass.backward(weights(pass), into);
    }
    float[] gradient = new float[(int) into.size()];
    for (int i = 0; i < gradient.length; i++) {
      gradient[i] = into.get(i);
    }
    return gradient;
  }

  /** Weights of the sum of everything, unlike for unlike numbers. */
  private static Map<Quantity, float[][]> weights(Pass pass) {
    Map<Quantity, float[][]> weights = new EnumMap<>(Quantity.class);
    for (Quantity quantity : DIFFERENTIABLE) {
      float[][] values = pass.values(quantity);
      float[][] ofQuantity = new float[values.length][];
      for (int s = 0; s < values.length; s++) {
        ofQuantity[s] = new float[values[s].length];
        for (int t = 0; t < ofQuantity[s].length; t++) {
          ofQuantity[s][t] = (float) Math.sin(1 + quantity.name().length() + 2 * s + 0.7 * t);
        }
      }
      weights.put(quantity, ofQuantity);
    }
    return weights;
  }

  private static double total(Decoder policy) {
    try (Pass pass = policy.forwardRows(rows(), ALL, Mode.EVALUATE, Adapter.ON)) {
      double total = 0;
      for (Map.Entry<Quantity, float[][]> entry : weights(pass).entrySet()) {
        float[][] values = pass.values(entry.getKey());
        for (int s = 0; s < values.length; s++) {
          for (int t = 0; t < values[s].length; t++) {
            total += (double) entry.getValue()[s][t] * values[s][t];
          }
        }
      }
      return total;
    }
  }
}
