package dev.collimate.online;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.online.Vade.Outcome;
import dev.collimate.online.Vade.Table;
import dev.collimate.random.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A thousand prompts that are solved never, sometimes or always; a third of them each. */
class VadeTest {

  private static final int PROMPTS = 1000;
  private static final int BATCH = 128;
  private static final int GENERATIONS = 8;
  private static final CounterRandom RANDOM = CounterRandom.of(7, "vade");

  /** Runs steps and keeps what was chosen. */
  private static final class Training {
    private final Vade vade;
    private final double[] rates;
    private Table table = Table.of(PROMPTS);
    private int step;

    Training(Vade vade, double... rates) {
      this.vade = vade;
      this.rates = rates;
    }

    double rate(int prompt) {
      return rates[prompt % rates.length];
    }

    int[] step() {
      int[] chosen = vade.choose(table, RANDOM.child(++step), BATCH);
      table = vade.after(table, Arrays.stream(chosen).mapToObj(this::tried).toList());
      return chosen;
    }

    private Outcome tried(int prompt) {
      CounterRandom luck = CounterRandom.of(step, "luck").child(prompt);
      int successes = 0;
      for (int sample = 0; sample < GENERATIONS; sample++) {
        successes += luck.uniform(sample) < rate(prompt) ? 1 : 0;
      }
      return new Outcome(prompt, successes, GENERATIONS);
    }

    /** The share of choices with this rate over so many steps. */
    double share(double rate, int steps) {
      double hits = 0;
      for (int i = 0; i < steps; i++) {
        hits += Arrays.stream(step()).filter(prompt -> rate(prompt) == rate).count();
      }
      return hits / (steps * BATCH);
    }

    void shift(double... other) {
      System.arraycopy(other, 0, rates, 0, rates.length);
    }
  }

  @Test
  void afterSomeStepsPromptsAreChosenThatAreSometimesSolved() {
    Training training = new Training(new Vade(0.7, 0.999), 0, 0.3, 1);
    assertThat(training.share(0.3, 1)).isLessThan(0.6);
    training.share(0.3, 19);
    assertThat(training.share(0.3, 10)).isGreaterThan(0.8);
  }

  /** All or none of its completions solve it: such a group teaches nothing. */
  @Test
  void groupsWithoutVarianceBecomeRare() {
    Training training = new Training(new Vade(0.7, 0.999), 0, 0.3, 1);
    training.share(0.3, 20);
    double uniform = (2 + Math.pow(0.7, GENERATIONS)) / 3;
    double wasted = 1 - training.share(0.3, 10) * (1 - Math.pow(0.7, GENERATIONS));
    assertThat(wasted).isLessThan(0.4 * uniform);
  }

  @Test
  void whereCountsFadeTheChoiceFollowsAPolicyThatLearned() {
    Training fading = new Training(new Vade(0.5, 0.97), 0, 0.3, 1);
    Training keeping = new Training(new Vade(1, 1), 0, 0.3, 1);
    fading.share(0.3, 50);
    keeping.share(0.3, 50);
    fading.shift(0.3, 1, 1);
    keeping.shift(0.3, 1, 1);
    assertThat(fading.share(0.3, 20)).isGreaterThan(0.6);
    assertThat(keeping.share(0.3, 20)).isLessThan(0.3);
  }

  @Test
  void thePosteriorHasTheMomentsOfItsCounts() {
    // Ten successes and thirty failures: Beta(11, 31), mean 11 / 42. Promise falls with the rate's
    // distance from 1 / 3, so the prompt beats one that is solved always.
    Vade vade = new Vade(1, 1);
    Table table = new Table(new double[] {10, 1000}, new double[] {30, 0});
    List<Integer> first = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      first.add(vade.choose(table, RANDOM.child(i), 1)[0]);
    }
    assertThat(first).containsOnly(0);
  }

  @Test
  void countsFadeAndGrow() {
    Vade vade = new Vade(0.5, 0.9);
    Table after =
        vade.after(
            new Table(new double[] {10, 20}, new double[] {30, 40}),
            List.of(new Outcome(1, 2.5, 8)));
    assertThat(after.successes()).containsExactly(new double[] {9, 0.5 * 18 + 2.5}, within(1e-12));
    assertThat(after.failures()).containsExactly(new double[] {27, 0.5 * 36 + 5.5}, within(1e-12));
  }

  @Test
  void theSameStepChoosesTheSame() {
    Vade vade = new Vade(1, 1);
    assertThat(vade.choose(Table.of(PROMPTS), RANDOM.child(3), BATCH))
        .isEqualTo(vade.choose(Table.of(PROMPTS), RANDOM.child(3), BATCH))
        .isNotEqualTo(vade.choose(Table.of(PROMPTS), RANDOM.child(4), BATCH))
        .doesNotHaveDuplicates();
  }

  @Test
  void morePromptsThanThereAreCannotBeChosen() {
    assertThatThrownBy(() -> new Vade(1, 1).choose(Table.of(3), RANDOM, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("4 prompts cannot be chosen of 3");
  }
}
