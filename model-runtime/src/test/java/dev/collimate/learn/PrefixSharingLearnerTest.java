package dev.collimate.learn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.checkpoint.AdapterConfig;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.TargetModules;
import dev.collimate.learn.SixteenRows.Result;
import dev.collimate.nn.AdapterSource;
import dev.collimate.nn.ComputeDevice;
import dev.collimate.nn.Decoder;
import dev.collimate.nn.DecoderOptions;
import dev.collimate.nn.DecoderOptions.Sharing;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.nn.Engine;
import dev.collimate.nn.RandomModel;
import dev.collimate.objective.Objective;
import dev.collimate.objective.Objectives;
import dev.collimate.objective.RowFacts;
import dev.collimate.objective.StepTotals;
import dev.collimate.parameters.FlatVector;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A step of DPO with the pairs' prompts computed once is the step without. */
class PrefixSharingLearnerTest {

  private static final double TOLERANCE = 1e-5;
  private static final long SEED = 4;
  private static final Objective DPO = Objectives.create("dpo", Map.of());
  private static final List<LearnRow> ROWS = SixteenRows.rows(DPO, SEED);
  private static final String CONFIG =
      RandomModel.llama(/* layers= */ 2, /* hidden= */ 32, 48, /* heads= */ 4, SixteenRows.VOCAB);

  @BeforeAll
  static void start() {
    Engine.start(1, ComputeDevice.cpu());
  }

  @ParameterizedTest(name = "{0}, micro-batches of {1}")
  @CsvSource({
    "ALL_WEIGHTS, 1",
    "ALL_WEIGHTS, 3",
    "ALL_WEIGHTS, 16",
    "ADAPTER, 1",
    "ADAPTER, 3",
    "ADAPTER, 16"
  })
  void lossMetricsAndGradientAreThoseOfSequencesByThemselves(Trained trained, int microBatch) {
    try (ModelFolder model = RandomModel.of(CONFIG, 0.4, SEED)) {
      Result expected = step(model, trained, Sharing.NONE, 16);
      Result actual = step(model, trained, Sharing.PREFIXES, microBatch);

      assertThat(actual.loss()).isCloseTo(expected.loss(), within(TOLERANCE));
      expected
          .metrics()
          .values()
          .forEach(
              (name, value) ->
                  assertThat(actual.metrics().value(name))
                      .as(name)
                      .isCloseTo(value, within(TOLERANCE * Math.max(1, Math.abs(value)))));
      double largest = 0;
      for (long i = 0; i < expected.gradient().size(); i++) {
        float of = expected.gradient().get(i);
        largest = Math.max(largest, Math.abs(of));
        assertThat((double) actual.gradient().get(i)).isCloseTo(of, within(TOLERANCE));
      }
      assertThat(largest).isGreaterThan(1000 * TOLERANCE);
    }
  }

  @Test
  void anEvaluationIsThatOfSequencesByThemselves() {
    StepTotals totals =
        StepTotals.of(ROWS.stream().map(row -> RowFacts.of(row.example())).toList());
    StepContext context = new StepContext(0, totals, new double[0]);
    DecoderOptions options = DecoderOptions.frozen();
    try (ModelFolder model = RandomModel.of(CONFIG, 0.4, SEED);
        Decoder alone = Decoder.load(model, options);
        Decoder sharing = Decoder.load(model, options.withSharing(Sharing.PREFIXES))) {
      LeafResult expected = new Learner(alone, DPO).evaluate(context, ROWS);
      LeafResult actual = new Learner(sharing, DPO).evaluate(context, ROWS);

      assertThat(actual.loss()).isCloseTo(expected.loss(), within(TOLERANCE));
      assertThat(actual.metrics().value("num_tokens"))
          .isEqualTo(expected.metrics().value("num_tokens"));
      assertThat(actual.metrics().value("rewards/margins"))
          .isCloseTo(expected.metrics().value("rewards/margins"), within(TOLERANCE));
    }
  }

  private static Result step(ModelFolder model, Trained trained, Sharing sharing, int microBatch) {
    AdapterSource adapter =
        trained == Trained.ADAPTER
            ? new AdapterSource.Fresh(
                new AdapterConfig(4, 8, 0, new TargetModules.AllLinear(), false, ""), SEED)
            : new AdapterSource.None();
    DecoderOptions options = DecoderOptions.training(trained).withSharing(sharing);
    try (Decoder decoder = Decoder.load(model, adapter, options)) {
      Learner learner = new Learner(decoder, DPO);
      FlatVector parameters = SixteenRows.parameters(learner, SEED);
      FlatVector scaled = new FlatVector(parameters.size());
      for (long i = 0; i < scaled.size(); i++) {
        scaled.set(i, 0.4f * parameters.get(i));
      }
      learner.load(scaled);
      return SixteenRows.step(learner, DPO, ROWS, microBatch);
    }
  }
}
