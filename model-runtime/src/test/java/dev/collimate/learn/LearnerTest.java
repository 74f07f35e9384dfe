package dev.collimate.learn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import dev.collimate.learn.SixteenRows.Result;
import dev.collimate.nn.Quantity;
import dev.collimate.objective.DeclaredColumns;
import dev.collimate.objective.Objective;
import dev.collimate.objective.Objectives;
import dev.collimate.objective.Online;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.objective.StepTotals;
import dev.collimate.parameters.FlatVector;
import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class LearnerTest {

  private static final double RELATIVE = 1e-5;
  private static final double FINITE_DIFFERENCE = 2e-3;

  static Stream<Objective> objectives() {
    return Stream.concat(
        Objectives.table().stream()
            .map(spec -> DeclaredColumns.over(Objectives.create(spec.name(), Map.of()))),
        Stream.of(
            new GoldMarginObjective(),
            of("sparsepo", "mask", "independent"),
            of("dpo", "degree_weight", 0.5)));
  }

  private static Objective of(String name, String option, Object value) {
    return DeclaredColumns.over(Objectives.create(name, Map.of(option, value)));
  }

  private static Learner learner(Objective objective) {
    boolean hasValues = objective.declaration().learned().contains(Quantity.VALUE);
    Learner learner = new Learner(new BigramModel(SixteenRows.VOCAB, hasValues), objective);
    learner.load(SixteenRows.parameters(learner, 5));
    return learner;
  }

  /** With what couples the rows of a batch, or reads more of them. */
  static Stream<Objective> coupled() {
    return Stream.concat(
        objectives(),
        Stream.of(
            Objectives.create("dpo", Map.of("loss_type", List.of("aot", "sft"))),
            Objectives.create("dpo", Map.of("loss_type", "aot_unpaired", "label_smoothing", 0.1)),
            Objectives.create("dpo", Map.of("use_weighting", true)),
            Objectives.create("dpo", Map.of("ld_alpha", 0.5)),
            of("reward", "contrastive", "simcse"),
            of("reward", "contrastive", "simcse_diff"),
            of("sparsepo", "mask", "ones"),
            of("sparsepo", "mask", "activation"),
            Objectives.create("grpo", Map.of("entropy_coef", 0.1, "top_entropy_quantile", 0.6)),
            Objectives.create("grpo", Map.of("beta", 0.1, "use_adaptive_entropy", true))));
  }

  @ParameterizedTest
  @MethodSource("coupled")
  void theStepDoesNotDependOnTheMicroBatchSize(Objective objective) {
    Learner learner = learner(objective);
    List<LearnRow> rows = SixteenRows.rows(objective, 11);

    Result whole = SixteenRows.step(learner, objective, rows, 16);
    Result threes = SixteenRows.step(learner, objective, rows, 3);
    Result ones = SixteenRows.step(learner, objective, rows, 1);

    assertClose(threes, whole);
    assertClose(ones, whole);
    // Far above rounding: small betas give small gradients.
    assertThat(GradientClip.norm(whole.gradient(), 1)).isGreaterThan(0.001);
  }

  @ParameterizedTest
  @ValueSource(strings = {"simcse", "simcse_diff"})
  void aRowAloneIsContrastedWithNone(String contrast) {
    Objective reward = Objectives.create("reward", Map.of());
    Objective contrastive = of("reward", "contrastive", contrast);
    List<LearnRow> row = SixteenRows.rows(reward, 11).subList(0, 1);

    Result plain = SixteenRows.step(learner(reward), reward, row, 1);
    Result alone = SixteenRows.step(learner(contrastive), contrastive, row, 1);

    assertThat(alone.loss()).isEqualTo(plain.loss());
    assertThat(alone.gradient().block(0)).isEqualTo(plain.gradient().block(0));
  }

  private static void assertClose(Result actual, Result expected) {
    double norm = GradientClip.norm(expected.gradient(), 1);
    FlatVector difference = actual.gradient().copy();
    for (long i = 0; i < difference.size(); i++) {
      difference.set(i, difference.get(i) - expected.gradient().get(i));
    }
    SoftAssertions softly = new SoftAssertions();
    softly.assertThat(GradientClip.norm(difference, 1) / norm).isLessThan(RELATIVE);
    softly
        .assertThat(actual.loss())
        .isCloseTo(expected.loss(), within(RELATIVE * Math.max(1, Math.abs(expected.loss()))));
    softly.assertThat(actual.state()).containsExactly(expected.state(), within(1e-12));
    expected
        .metrics()
        .values()
        .forEach(
            (name, value) ->
                softly
                    .assertThat(actual.metrics().value(name))
                    .as(name)
                    .isCloseTo(value, within(RELATIVE * Math.max(1, Math.abs(value)))));
    softly.assertAll();
  }

  /**
   * Not of a loss with weights of its own making, which are held while it is derived; of gpo at a
   * beta at which the loss is no million, of whose digits a difference would leave few; and without
   * the bounds of a ratio, whose kinks are narrower than the steps here.
   */
  static Stream<Objective> differentiable() {
    Map<String, Object> unbounded = Map.of("epsilon", 1.0, "epsilon_high", "1e9");
    return Stream.concat(
        objectives()
            .filter(objective -> !List.of("wpo", "gpo").contains(objective.declaration().name()))
            .filter(objective -> !(objective instanceof Online)),
        Stream.of(
            Objectives.create("gpo", Map.of("beta", 1.0)),
            Objectives.create("grpo", unbounded),
            Objectives.create("rloo", unbounded),
            Objectives.create("reinforce_plus_plus", unbounded),
            Objectives.create("ppo", Map.of("cliprange", 1e9, "cliprange_value", 1e9)),
            Objectives.create(
                "grpo", Map.of("entropy_coef", 0.1, "epsilon", 1.0, "epsilon_high", "1e9"))));
  }

  @ParameterizedTest
  @MethodSource("differentiable")
  void theGradientIsThatOfTheLoss(Objective objective) {
    Learner learner = learner(objective);
    List<LearnRow> rows = SixteenRows.rows(objective, 3);
    StepContext context = new StepContext(1, totals(rows), new double[] {0.375});
    double[] given = {1.5, -0.25, 0.5, -3, -2};
    List<LearnRow> planned =
        objective instanceof Online
            ? rows
            : rows.stream()
                .map(row -> new LearnRow(row.example(), row.reference(), given))
                .toList();
    FlatVector gradient = new FlatVector(learner.layout().size());
    learner.gradient(context, planned, gradient);

    FlatVector parameters = SixteenRows.parameters(learner, 5);
    SoftAssertions softly = new SoftAssertions();
    for (long i = 0; i < parameters.size(); i++) {
      float value = parameters.get(i);
      double up = lossAt(learner, parameters, i, value + 0x1p-6f, context, planned);
      double down = lossAt(learner, parameters, i, value - 0x1p-6f, context, planned);
      parameters.set(i, value);
      double expected = (up - down) / 0x1p-5;
      softly
          .assertThat((double) gradient.get(i))
          .as("entry %d", i)
          .isCloseTo(expected, within(FINITE_DIFFERENCE * Math.max(1, Math.abs(expected))));
    }
    softly.assertAll();
  }

  private static double lossAt(
      Learner learner,
      FlatVector parameters,
      long index,
      float value,
      StepContext context,
      List<LearnRow> rows) {
    parameters.set(index, value);
    learner.load(parameters);
    return learner.evaluate(context, rows).loss();
  }

  private static StepTotals totals(List<LearnRow> rows) {
    return StepTotals.of(rows.stream().map(SixteenRows::facts).toList());
  }

  @Test
  void equalLogRatiosCostLogTwo() {
    Objective dpo = Objectives.create("dpo", Map.of());
    Learner learner = new Learner(new BigramModel(4), dpo);
    // All weights zero: every token has probability 1/4, so a completion of n tokens has -n log 4.
    Sequence chosen = new Sequence(new int[] {0, 1, 2}, 1, new byte[] {0, 1, 1});
    Sequence rejected = new Sequence(new int[] {0, 3}, 1, new byte[] {0, 1});
    Example example =
        new Example("a", "h", 2, Map.of("chosen", chosen, "rejected", rejected), Map.of());
    Map<String, Double> reference =
        Map.of("chosen", -2 * Math.log(4) - 1, "rejected", -Math.log(4) - 1);
    List<LearnRow> rows = List.of(new LearnRow(example, new Reference(reference, Map.of())));

    LeafResult result = learner.evaluate(new StepContext(1, totals(rows), new double[0]), rows);

    assertThat(result.loss()).isCloseTo(Math.log(2), within(1e-7));
    assertThat(result.metrics().value("rewards/chosen")).isCloseTo(0.1, within(1e-6));
    assertThat(result.metrics().value("rewards/accuracies")).isZero();
    assertThat(result.metrics().value("logps/chosen")).isCloseTo(-2 * Math.log(4), within(1e-6));
    assertThat(result.metrics().value("logits/chosen")).isZero();
    assertThat(result.metrics().value("num_tokens")).isEqualTo(5);
  }

  @Test
  void ownParametersFollowTheModels() {
    GoldMarginObjective objective = new GoldMarginObjective();
    Learner learner = new Learner(new BigramModel(3), objective);
    FlatVector stored = new FlatVector(learner.layout().size());

    learner.store(stored);

    assertThat(learner.layout().parameters().get(1).name()).isEqualTo(Learner.OWN_PARAMETERS);
    assertThat(stored.size()).isEqualTo(10);
    assertThat(stored.get(9)).isEqualTo(0.25f);
  }

  @Test
  void theModelsGradientIsWrittenInPlaceBeforeTheObjectivesOwn() {
    GoldMarginObjective objective = new GoldMarginObjective();
    BigramModel model = new BigramModel(SixteenRows.VOCAB);
    Learner learner = new Learner(model, objective);
    List<LearnRow> rows =
        SixteenRows.rows(objective, 3).stream()
            .map(row -> new LearnRow(row.example(), row.reference(), new double[] {1.5}))
            .toList();
    FlatVector into = new FlatVector(learner.layout().size());

    learner.gradient(new StepContext(1, totals(rows), new double[] {0.375}), rows, into);

    assertThat(model.gradientVector()).isSameAs(into);
    assertThat(into.get(into.size() - 1)).isNotZero();
  }

  @Test
  void aMissingSequenceIsNamed() {
    Learner learner = learner(Objectives.create("dpo", Map.of()));
    List<LearnRow> rows = SixteenRows.rows(Objectives.create("sft", Map.of()), 1);

    assertThatThrownBy(
            () -> learner.evaluate(new StepContext(1, totals(rows), new double[0]), rows))
        .isInstanceOf(CollimateException.class)
        .hasMessage("row 'row-0' has no 'chosen' sequence, which objective dpo needs");
  }

  @Test
  void aLossThatIsNoNumberNamesStepAndRow() {
    Objective dpo = Objectives.create("dpo", Map.of());
    Learner learner = learner(dpo);
    LearnRow row = SixteenRows.rows(dpo, 1).get(0);
    List<LearnRow> rows =
        List.of(
            new LearnRow(
                row.example(),
                new Reference(Map.of("chosen", Double.NaN, "rejected", 0.0), Map.of())));
    FlatVector into = new FlatVector(learner.layout().size());

    assertThatThrownBy(
            () -> learner.gradient(new StepContext(7, totals(rows), new double[0]), rows, into))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "step 7: the loss of row 'row-0' is NaN; lower train.learning_rate or look at the row");
  }

  @Test
  void anEvaluationThatIsNoNumberNamesTheRow() {
    Objective dpo = Objectives.create("dpo", Map.of());
    LearnRow row = SixteenRows.rows(dpo, 1).get(0);
    Reference broken = new Reference(Map.of("chosen", Double.NaN, "rejected", 0.0), Map.of());
    List<LearnRow> rows = List.of(new LearnRow(row.example(), broken));

    assertThatThrownBy(
            () -> learner(dpo).evaluate(new StepContext(0, totals(rows), new double[0]), rows))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith("evaluation: the loss of row 'row-0' is NaN");
  }

  @Test
  void rowsThatTheModelCannotReadAreNamed() {
    Objective sft = Objectives.create("sft", Map.of());
    Learner learner =
        new Learner(
            new BigramModel(SixteenRows.VOCAB) {
              @Override
              public Pass forward(
                  List<Sequence> sequences, Set<Quantity> quantities, Mode mode, Adapter adapter) {
                throw CollimateException.data("A sequence is too long");
              }
            },
            sft);
    List<LearnRow> rows = SixteenRows.rows(sft, 1).subList(0, 2);

    assertThatThrownBy(
            () -> learner.evaluate(new StepContext(1, totals(rows), new double[0]), rows))
        .isInstanceOf(CollimateException.class)
        .hasMessage("The model cannot read rows 'row-0', 'row-1': A sequence is too long");
  }
}
