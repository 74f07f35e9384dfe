package dev.collimate.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.reward.RewardFailure.Reason;
import java.io.IOException;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Rewards that fail in every way: the rows are accounted for, and the step goes on. */
@Timeout(60)
class RewardsTest {

  private static final Duration SOON = Duration.ofMillis(300);

  private static int number(String completion) {
    return Integer.parseInt(completion.substring("row ".length()));
  }

  /** The number of the row. */
  public static final class Numbered implements RewardFunction {
    static final AtomicInteger CALLS = new AtomicInteger();

    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
      CALLS.incrementAndGet();
      return batch.completions().stream()
          .map(completion -> OptionalDouble.of(number(completion)))
          .toList();
    }
  }

  /** Throws where one of the rows is a tenth one. */
  public static final class ThrowsOnTenth implements RewardFunction {
    @Override
    public List<OptionalDouble> score(RewardBatch batch) throws IOException {
      for (String completion : batch.completions()) {
        if (number(completion) % 10 == 9) {
          throw new IOException("no\nluck with " + completion);
        }
      }
      return Collections.nCopies(batch.size(), OptionalDouble.of(1));
    }
  }

  /** Waits for ever on row 3, and lets nobody interrupt it. */
  public static final class HangsOnThird implements RewardFunction {
    static final CountDownLatch NEVER = new CountDownLatch(1);

    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
      while (batch.completions().contains("row 3")) {
        try {
          NEVER.await();
        } catch (InterruptedException e) {
          // It does not care.
        }
      }
      return Collections.nCopies(batch.size(), OptionalDouble.of(1));
    }
  }

  /** Sleeps on every row, until it is interrupted. */
  public static final class Silent implements RewardFunction {
    @Override
    public List<OptionalDouble> score(RewardBatch batch) throws InterruptedException {
      new CountDownLatch(1).await();
      return List.of();
    }
  }

  /** Says what is no number on rows 1 to 5, in five ways. */
  public static final class Strange implements RewardFunction {
    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
      int row = number(batch.completions().get(0));
      return switch (row) {
        case 1 -> List.of(OptionalDouble.of(Double.NaN));
        case 2 -> List.of(OptionalDouble.of(Double.POSITIVE_INFINITY));
        case 3 -> null;
        case 4 -> List.of();
        case 5 -> Collections.singletonList(null);
        case 6 -> throw new StackOverflowError();
        default -> List.of(OptionalDouble.of(row));
      };
    }
  }

  /** Applies to even rows alone. */
  public static final class Even implements RewardFunction {
    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
      return batch.completions().stream()
          .map(c -> number(c) % 2 == 0 ? OptionalDouble.of(10) : OptionalDouble.empty())
          .toList();
    }
  }

  private static RewardChoice choice(Class<?> type, double weight, RewardLimits limits) {
    return new RewardChoice(type.getName(), type.getSimpleName(), weight, limits, Map.of());
  }

  private static RewardChoice choice(Class<?> type) {
    return choice(type, 1, RewardLimits.USUAL.withTimeout(SOON));
  }

  private static RewardOutcome score(int rows, RewardChoice... choices) throws IOException {
    try (Rewards rewards =
        new Rewards(List.of(choices), RewardRows.NO_CONTEXT, RewardJournal.NONE, 0)) {
      return rewards.score(1, RewardRows.rows(rows));
    }
  }

  private static List<Integer> lost(RewardOutcome outcome) {
    return IntStream.range(0, outcome.rows().size())
        .filter(row -> outcome.rows().get(row).isLost())
        .boxed()
        .toList();
  }

  @Test
  void severalAreAddedByTheirWeights() throws IOException {
    RewardOutcome outcome =
        score(
            4,
            choice(Numbered.class, 0.5, RewardLimits.USUAL.withBatchSize(3)),
            choice(Even.class, 2, RewardLimits.USUAL.withConcurrency(2)));
    assertThat(outcome.lost()).isZero();
    assertThat(outcome.rows().stream().map(row -> row.total(outcome.weights())))
        .containsExactly(20.0, 0.5, 21.0, 1.5);
    assertThat(outcome.rows().get(1).values()).containsExactly(1.0, Double.NaN);
  }

  @Test
  void whatThrowsOnEveryTenthRowCostsThoseRows() throws IOException {
    RewardOutcome outcome = score(40, choice(ThrowsOnTenth.class), choice(Numbered.class));
    assertThat(lost(outcome)).containsExactly(9, 19, 29, 39);
    assertThat(outcome.lostBy()).isEqualTo(Map.of("ThrowsOnTenth/threw", 4));
    assertThat(outcome.rows().get(9).failure())
        .contains(
            new RewardFailure("ThrowsOnTenth", Reason.THREW, "IOException: no luck with row 9"));
  }

  @Test
  void aBatchThatThrowsIsRepeatedRowByRow() throws IOException {
    RewardOutcome outcome =
        score(40, choice(ThrowsOnTenth.class, 1, RewardLimits.USUAL.withBatchSize(7)));
    assertThat(lost(outcome)).containsExactly(9, 19, 29, 39);
  }

  @Test
  void aHangCostsItsRowAfterTheTimeLimit() throws IOException {
    RewardOutcome outcome = score(12, choice(HangsOnThird.class), choice(Numbered.class));
    assertThat(lost(outcome)).containsExactly(3);
    assertThat(outcome.rows().get(3).failure())
        .contains(new RewardFailure("HangsOnThird", Reason.TIMED_OUT, "took longer than 0.3 s"));
    RewardLimits batches = RewardLimits.USUAL.withTimeout(SOON).withBatchSize(4);
    assertThat(lost(score(12, choice(HangsOnThird.class, 1, batches)))).containsExactly(3);
  }

  @Test
  void stuckThreadsAreBounded() throws IOException {
    RewardChoice hangs =
        choice(HangsOnThird.class, 1, RewardLimits.USUAL.withTimeout(Duration.ofMillis(10)));
    try (Rewards rewards =
        new Rewards(List.of(hangs), RewardRows.NO_CONTEXT, RewardJournal.NONE, 0)) {
      List<Rollout> row = List.of(RewardRows.rows(4).get(3));
      for (int step = 0; step < 16; step++) {
        assertThat(rewards.score(step, row).lostBy()).containsKey("HangsOnThird/timed_out");
      }
      assertThat(rewards.score(17, row).lostBy()).isEqualTo(Map.of("HangsOnThird/not_asked", 1));
    }
  }

  @Test
  void silenceOnRowAfterRowIsNotWaitedForEachTime() throws IOException {
    RewardOutcome outcome =
        score(100, choice(Silent.class, 1, RewardLimits.USUAL.withTimeout(Duration.ofMillis(50))));
    assertThat(outcome.lostBy()).isEqualTo(Map.of("Silent/timed_out", 8, "Silent/not_asked", 92));
  }

  @Test
  void whatIsNoNumberCostsItsRow() throws IOException {
    RewardOutcome outcome = score(8, choice(Strange.class), choice(Numbered.class));
    assertThat(lost(outcome)).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(outcome.lostBy())
        .isEqualTo(Map.of("Strange/not_a_number", 3, "Strange/wrong_count", 2, "Strange/threw", 1));
    assertThat(outcome.lostBy().values().stream().mapToInt(n -> n).sum()).isEqualTo(outcome.lost());
  }

  @Test
  void aRowToWhichNoneAppliesIsLost() throws IOException {
    RewardOutcome outcome = score(4, choice(Even.class));
    assertThat(lost(outcome)).containsExactly(1, 3);
    assertThat(outcome.lostBy()).isEqualTo(Map.of("all/none_applies", 2));
  }

  @Test
  void aRowThatFailsTwiceCountsOnce() throws IOException {
    RewardOutcome outcome = score(10, choice(ThrowsOnTenth.class), choice(Even.class));
    assertThat(outcome.lostBy()).isEqualTo(Map.of("ThrowsOnTenth/threw", 1));
    assertThat(outcome.accounts())
        .isEqualTo(
            Map.of(
                "ThrowsOnTenth",
                Map.of("scored", 9, "threw", 1),
                "Even",
                Map.of("scored", 5, "does_not_apply", 5)));
    RewardOutcome twice =
        score(
            10,
            choice(ThrowsOnTenth.class),
            new RewardChoice(
                ThrowsOnTenth.class.getName(), "again", 1, RewardLimits.USUAL, Map.of()));
    assertThat(twice.lostBy()).isEqualTo(Map.of("ThrowsOnTenth/threw", 1));
    assertThat(twice.rows().get(9).failures()).hasSize(2);
  }

  /** A journal in memory. */
  private static final class Memory implements RewardJournal {
    final Map<Long, RewardPage> pages = new HashMap<>();

    @Override
    public Optional<RewardPage> read(long step) {
      return Optional.ofNullable(pages.get(step));
    }

    @Override
    public void write(long step, RewardPage page) {
      pages.put(step, page);
    }
  }

  @Test
  void aStepOfTheJournalIsNotAskedAgain() throws IOException {
    Memory journal = new Memory();
    RewardOutcome first;
    try (Rewards rewards =
        new Rewards(List.of(choice(Numbered.class)), RewardRows.NO_CONTEXT, journal, 0)) {
      first = rewards.score(5, RewardRows.rows(8));
    }
    int calls = Numbered.CALLS.get();
    try (Rewards resumed =
        new Rewards(List.of(choice(Numbered.class)), RewardRows.NO_CONTEXT, journal, 0)) {
      RewardOutcome second = resumed.score(5, RewardRows.rows(8));
      assertThat(Numbered.CALLS.get()).isEqualTo(calls);
      assertThat(second.rows()).isEqualTo(first.rows());
      assertThat(first.replayed()).isFalse();
      assertThat(second.replayed()).isTrue();
    }
  }

  @Test
  void otherCompletionsThanTheJournalsAreScoredAnewAndSaid() throws IOException {
    Memory journal = new Memory();
    try (Rewards rewards =
        new Rewards(List.of(choice(Numbered.class)), RewardRows.NO_CONTEXT, journal, 0)) {
      List<Rollout> rows = RewardRows.rows(4);
      rewards.score(5, rows);
      Rollout other = new Rollout("prompt-0", 2, "say", "row 9", new int[] {9}, true, Map.of());
      RewardOutcome outcome =
          rewards.score(5, List.of(rows.get(0), rows.get(1), other, rows.get(3)));
      assertThat(outcome.replayed()).isFalse();
      assertThat(outcome.mismatch())
          .contains(
              "is of another completion than the one now written as sample 2 of prompt 'prompt-0'");
      assertThat(outcome.rows().get(2).values()).containsExactly(9.0);
      assertThat(rewards.score(5, RewardRows.rows(5)).mismatch())
          .contains(
              "is of another completion than the one now written as sample 2 of prompt 'prompt-0'");
      assertThat(rewards.score(5, RewardRows.rows(6)).mismatch())
          .contains("has no line for sample 1 of prompt 'prompt-1'");
      assertThat(rewards.score(5, RewardRows.rows(3)).mismatch())
          .contains("has 6 lines for 3 completions");
    }
  }

  @Test
  void aJournalOfOtherRewardsIsRefused() throws IOException {
    Memory journal = new Memory();
    try (Rewards rewards =
        new Rewards(List.of(choice(Numbered.class)), RewardRows.NO_CONTEXT, journal, 0)) {
      rewards.score(5, RewardRows.rows(4));
    }
    try (Rewards others =
        new Rewards(List.of(choice(Even.class)), RewardRows.NO_CONTEXT, journal, 0)) {
      assertThatThrownBy(() -> others.score(5, RewardRows.rows(4)))
          .isInstanceOf(CollimateException.class)
          .hasMessage(
              "the journal of rewards of step 5 holds the rewards [Numbered], the run file names"
                  + " [Even]; choose another output");
    }
  }

  @Test
  void anUnknownNameIsRefused() {
    RewardChoice unknown = new RewardChoice("numbr", "x", 1, RewardLimits.USUAL, Map.of());
    assertThatThrownBy(
            () -> new Rewards(List.of(unknown), RewardRows.NO_CONTEXT, RewardJournal.NONE, 0))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith("rewards: there is no reward 'numbr'; there are exact_match, ");
  }
}
