package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.Range;
import dev.collimate.objective.ObjectiveOption.Kind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every objective of the table, as it is by default and with every value of each of its options,
 * over steps of several rows. A new line of the table, or a new option, is covered by being there.
 */
class ObjectiveVariantsTest {

  private static final double STEP = 1e-5;
  private static final double FINITE_DIFFERENCE = 1e-7;
  private static final double ROUNDING = 1e-12;

  /**
   * @param options those that are not as usual
   */
  record Variant(String name, Map<String, Object> options) {

    Objective create() {
      return DeclaredColumns.over(Objectives.create(name, options));
    }

    /**
     * Whether the loss depends on the policy through the plan too. A matched pair of AOT stands
     * half in either of its rows, so that what a row says, with its match held, has half the
     * derivative; the other objectives' plans are constants.
     */
    boolean derivesThroughThePlan() {
      return String.valueOf(options.get("loss_type")).contains("aot_unpaired");
    }
  }

  static Stream<Variant> variants() {
    List<Variant> variants = new ArrayList<>();
    // Those of a reward model's scores are held by RewardTest.
    List<ObjectiveSpec> ofLogProbs =
        Objectives.table().stream().filter(spec -> !spec.trainsRewardModel()).toList();
    for (ObjectiveSpec spec : ofLogProbs) {
      variants.add(new Variant(spec.name(), Map.of()));
      for (ObjectiveOption option : spec.options()) {
        unusual(option).stream()
            .map(value -> new Variant(spec.name(), with(spec, option, value)))
            .filter(variant -> isLegal(spec, variant))
            .forEach(variants::add);
      }
    }
    variants.add(
        new Variant("grpo", Map.of("loss_type", "luspo", "importance_sampling_level", "sequence")));
    variants.add(
        new Variant(
            "grpo",
            Map.of("beta", 0.1, "use_bias_correction_kl", true, "top_entropy_quantile", 0.5)));
    variants.add(new Variant("grpo", Map.of("num_generations", 3.0, "entropy_coef", 0.2)));
    variants.add(
        new Variant("reinforce_plus_plus", Map.of("baseline", "group", "num_generations", 2.0)));
    variants.add(new Variant("ppo", Map.of("num_generations", 2.0, "policy_filter", "bw")));
    variants.add(
        new Variant(
            "dpo",
            Map.of(
                "loss_type",
                List.of("aot_unpaired", "sigmoid", "aot", "sft", "ipo"),
                "loss_weights",
                List.of(0.5, 1.0, 0.25, 2.0, 0.1),
                "label_smoothing",
                0.2,
                "f_divergence_type",
                "js_divergence",
                "ld_alpha",
                0.5)));
    return variants.stream();
  }

  /** What needs another option beside it is written by hand. */
  private static boolean isLegal(ObjectiveSpec spec, Variant variant) {
    Map<String, Object> values = spec.defaults();
    values.putAll(variant.options());
    return spec.rules().stream().allMatch(rule -> rule.holds().test(new Options(values)));
  }

  /** Values that are not the default; lists are written by hand. */
  private static List<Object> unusual(ObjectiveOption option) {
    return switch (option.kind()) {
      case FLAG -> List.of(!(Boolean) option.usual());
      case NUMBER -> List.of(number(option));
      case CHOICE, CHOICES ->
          option.supported().stream()
              .filter(value -> !value.equals(option.usual()))
              .map(Object.class::cast)
              .toList();
      case NUMBER_OR_WORD -> List.of(Double.toString(number(option)));
      case NUMBERS, TEXT -> List.of();
    };
  }

  private static double number(ObjectiveOption option) {
    Range range = new Range(option.range());
    return DoubleStream.of(0.3, 0.4, 4, 1.5, -0.5, 3, 20)
        .filter(value -> range.holds(value) && !option.usual().equals(value))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no number for " + option.name()));
  }

  /** The option with this value, and beside it what has an effect with it alone. */
  private static Map<String, Object> with(
      ObjectiveSpec spec, ObjectiveOption option, Object value) {
    Map<String, Object> options = new LinkedHashMap<>();
    options.put(option.name(), value);
    option
        .effect()
        .ifPresent(
            effect -> {
              Options usual = new Options(spec.defaults());
              if (!option.hasEffect(usual)) {
                options.put(effect.option(), value(spec, effect));
              }
            });
    for (ObjectiveOption other : spec.options()) {
      boolean isNeeded =
          other.kind() == Kind.NUMBER
              && other
                  .effect()
                  .filter(effect -> effect.option().equals(option.name()))
                  .filter(effect -> effect.values().contains(value))
                  .isPresent();
      if (isNeeded) {
        options.put(other.name(), number(other));
      }
    }
    return options;
  }

  /** The first value with which there is an effect, as the option takes it. */
  private static Object value(ObjectiveSpec spec, ObjectiveOption.Effect effect) {
    String text = effect.values().get(0);
    Kind kind = spec.option(effect.option()).orElseThrow().kind();
    return kind == Kind.FLAG ? Boolean.valueOf(text) : text;
  }

  @Test
  void everyLossTypeIsAmongTheVariants() {
    List<Object> covered =
        variants()
            .filter(variant -> variant.name().equals("dpo"))
            .map(variant -> variant.options().getOrDefault("loss_type", "sigmoid"))
            .toList();
    assertThat(covered)
        .containsAll(
            Objectives.find("dpo").orElseThrow().option("loss_type").orElseThrow().supported());
  }

  /**
   * Not of those that hold a ratio while they are derived; the fixtures have their derivatives, and
   * those of nash_md are in {@link OnlinePairsTest}.
   */
  static Stream<Variant> derived() {
    return variants()
        .filter(variant -> !variant.name().equals("nash_md"))
        .filter(
            variant ->
                !variant.name().equals("drpo")
                    && !Set.of("cispo", "vespo")
                        .contains(variant.options().getOrDefault("loss_type", "")));
  }

  @ParameterizedTest
  @MethodSource("derived")
  void derivativesAreThoseOfFiniteDifferences(Variant variant) {
    Objective objective = variant.create();
    List<ObjectiveStep.Row> rows = SampleRows.random(objective, 5, 3);
    ObjectiveStep.Result step = ObjectiveStep.first(objective, rows);
    StepPlan plan = plan(objective, rows);

    SoftAssertions softly = new SoftAssertions();
    for (int i = 0; i < rows.size(); i++) {
      for (String role : objective.declaration().sequences()) {
        double[] values = rows.get(i).policy().get(role);
        for (int t = 0; t < values.length; t++) {
          double at = values[t];
          values[t] = at + STEP;
          double up = loss(variant, rows, plan);
          values[t] = at - STEP;
          double down = loss(variant, rows, plan);
          values[t] = at;
          double expected = (up - down) / (2 * STEP);
          // The losses are rounded themselves, which counts where they are large beside the slope.
          double rounding = Math.ulp(up) / STEP;
          softly
              .assertThat(step.gradients().get(i).get(role)[t])
              .as("row %d %s token %d", i, role, t)
              .isCloseTo(
                  expected, within(FINITE_DIFFERENCE * Math.max(1, Math.abs(expected)) + rounding));
        }
      }
    }
    softly.assertAll();
  }

  private static double loss(Variant variant, List<ObjectiveStep.Row> rows, StepPlan plan) {
    Objective objective = variant.create();
    StepPlan ofStep = variant.derivesThroughThePlan() ? plan(objective, rows) : plan;
    return ObjectiveStep.planned(objective, rows, ofStep, parameters(objective)).loss();
  }

  private static StepPlan plan(Objective objective, List<ObjectiveStep.Row> rows) {
    double[] state = ObjectiveStep.doubles(objective.declaration().initialState());
    return ObjectiveStep.plan(objective, rows, state, parameters(objective));
  }

  private static double[] parameters(Objective objective) {
    return ObjectiveStep.doubles(objective.declaration().initialParameters());
  }

  @ParameterizedTest
  @MethodSource("variants")
  void lossAndDerivativesAreFiniteWhereSequencesAreNextToImpossible(Variant variant) {
    Objective objective = variant.create();

    ObjectiveStep.Result step = ObjectiveStep.first(objective, SampleRows.extremes(objective));

    assertThat(step.loss()).isFinite();
    SoftAssertions softly = new SoftAssertions();
    for (int i = 0; i < step.gradients().size(); i++) {
      for (Map.Entry<String, double[]> entry : step.gradients().get(i).entrySet()) {
        softly
            .assertThat(DoubleStream.of(entry.getValue()).allMatch(Double::isFinite))
            .as("row %d %s", i, entry.getKey())
            .isTrue();
      }
    }
    softly.assertAll();
  }

  /** However a batch is cut, a row meets an objective that has seen other rows, or none, before. */
  @ParameterizedTest
  @MethodSource("variants")
  void aRowSaysTheSameWhereverItStands(Variant variant) {
    Objective objective = variant.create();
    List<ObjectiveStep.Row> rows = SampleRows.random(objective, 7, 11);
    List<ObjectiveStep.Row> turned = new ArrayList<>(rows);
    Collections.reverse(turned);

    ObjectiveStep.Result step = ObjectiveStep.first(objective, rows);
    ObjectiveStep.Result other = ObjectiveStep.first(variant.create(), turned);

    assertThat(other.loss()).isCloseTo(step.loss(), within(ROUNDING * Math.max(1, step.loss())));
    for (int i = 0; i < rows.size(); i++) {
      Map<String, double[]> expected = step.gradients().get(i);
      Map<String, double[]> actual = other.gradients().get(rows.size() - 1 - i);
      for (String role : expected.keySet()) {
        assertThat(actual.get(role)).containsExactly(expected.get(role), within(ROUNDING));
      }
    }
  }
}
