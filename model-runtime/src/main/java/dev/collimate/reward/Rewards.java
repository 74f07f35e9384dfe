package dev.collimate.reward;

import dev.collimate.CollimateException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The rewards of a run. They are asked at the same time; what they said is in the journal before
 * anyone reads it, and a step that is there already is read from it.
 */
public final class Rewards implements AutoCloseable {

  private final List<ChosenReward> chosen;
  private final RewardJournal journal;
  private final Optional<PromptMixer> mixer;
  private final LostSteps lost;
  private final ExecutorService threads =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "rewards");
            thread.setDaemon(true);
            return thread;
          });

  /**
   * Makes every function.
   *
   * @param choices with labels that differ
   * @param mostLost steps in a row of which no completion has a reward, with which scoring fails;
   *     0: it goes on
   * @throws CollimateException of kind USAGE where one cannot be made
   */
  public Rewards(
      List<RewardChoice> choices, RewardContext context, RewardJournal journal, int mostLost) {
    this(choices, context, journal, mostLost, Optional.empty());
  }

  /**
   * The same where the prompt says how much each reward counts.
   *
   * @param mixer in the place of the weights
   */
  public Rewards(
      List<RewardChoice> choices,
      RewardContext context,
      RewardJournal journal,
      int mostLost,
      Optional<PromptMixer> mixer) {
    this.mixer = mixer;
    List<ChosenReward> made = new ArrayList<>();
    choices.forEach(choice -> made.add(ChosenReward.of(choice, context)));
    this.chosen = List.copyOf(made);
    this.journal = journal;
    this.lost = new LostSteps(mostLost);
  }

  public List<String> labels() {
    return chosen.stream().map(ChosenReward::label).toList();
  }

  public List<Double> weights() {
    return chosen.stream().map(ChosenReward::weight).toList();
  }

  /** The columns that the prompts' rows must have. */
  public Set<String> columns() {
    Set<String> columns = new TreeSet<>();
    chosen.forEach(reward -> columns.addAll(reward.columns()));
    return columns;
  }

  /**
   * Scores a step's completions, or reads what the journal says of them.
   *
   * @param rollouts that differ in (prompt key, sample)
   * @throws CollimateException of kind DATA where the journal of the step is damaged or is of other
   *     rewards; of kind RESOURCES where this is one wholly lost step too many, which the journal
   *     then does not have, so that a run that is resumed asks for its rewards again
   */
  public RewardOutcome score(long step, List<Rollout> rollouts) throws IOException {
    Optional<RewardPage> written = journal.read(step);
    if (written.isPresent() && !written.get().labels().equals(labels())) {
      throw CollimateException.data(
          "the journal of rewards of step %d holds the rewards %s, the run file names %s; choose another output"
              .formatted(step, written.get().labels(), labels()));
    }
    Optional<String> mismatch = written.flatMap(page -> page.mismatch(rollouts));
    if (written.isPresent() && mismatch.isEmpty()) {
      List<RowReward> rows = written.get().rowsOf(rollouts);
      RewardOutcome replayed = new RewardOutcome(labels(), weights(), rows, true, mismatch);
      lost.add(step, replayed);
      return mixed(replayed, rollouts);
    }
    List<RowReward> rows = Scoring.of(chosen, rollouts, threads);
    RewardOutcome scored = new RewardOutcome(labels(), weights(), rows, false, mismatch);
    Optional<CollimateException> failure = lost.add(step, scored);
    if (failure.isPresent()) {
      throw failure.get();
    }
    journal.write(step, RewardPage.of(labels(), rollouts, rows));
    return mixed(scored, rollouts);
  }

  private RewardOutcome mixed(RewardOutcome outcome, List<Rollout> rollouts) {
    return mixer.map(by -> outcome.mixedBy(by, rollouts)).orElse(outcome);
  }

  /** Ends the threads that score. */
  @Override
  public void close() {
    threads.shutdownNow();
    chosen.forEach(ChosenReward::close);
  }
}
