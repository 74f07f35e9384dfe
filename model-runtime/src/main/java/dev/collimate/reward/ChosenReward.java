package dev.collimate.reward;

import dev.collimate.CollimateException;
import dev.collimate.objective.Options;
import dev.collimate.reward.RewardFailure.Reason;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** A reward of a run, made, with the threads that ask it. */
final class ChosenReward implements AutoCloseable {

  /** A hanging endpoint must not cost every row its timeout. */
  private static final int LEAST_SILENT = 8;

  private final RewardSpec spec;
  private final RewardChoice choice;
  private final List<String> columns;
  private final Supplier<RewardFunction> functions;
  private final List<Lane> lanes;

  private ChosenReward(
      RewardSpec spec,
      RewardChoice choice,
      List<String> columns,
      Supplier<RewardFunction> functions,
      List<Lane> lanes) {
    this.spec = spec;
    this.choice = choice;
    this.columns = columns;
    this.functions = functions;
    this.lanes = lanes;
  }

  static ChosenReward of(RewardChoice choice, RewardContext context) {
    RewardSpec spec =
        RewardFunctions.find(choice.name())
            .orElseThrow(
                () ->
                    CollimateException.usage(
                        "rewards: there is no reward '%s'; there are %s, and the classes of jars given with --jars"
                            .formatted(choice.name(), RewardFunctions.names())));
    Options options = RewardFunctions.options(spec, choice.options());
    Supplier<RewardFunction> functions = spec.create().apply(options, context);
    Stuck stuck = new Stuck();
    List<Lane> lanes =
        IntStream.range(
                0, spec.runs() == RewardSpec.Runs.ON_EXECUTORS ? 0 : choice.limits().concurrency())
            .mapToObj(
                i ->
                    new Lane(
                        "reward-" + choice.label() + "-" + i,
                        functions,
                        choice.limits().timeout(),
                        stuck))
            .toList();
    return new ChosenReward(spec, choice, spec.columns(options), functions, lanes);
  }

  String label() {
    return choice.label();
  }

  double weight() {
    return choice.weight();
  }

  List<String> columns() {
    return columns;
  }

  boolean runsOnExecutors() {
    return spec.runs() == RewardSpec.Runs.ON_EXECUTORS;
  }

  /**
   * Starts the calls on the driver's threads.
   *
   * @param threads that wait for the calls
   * @return done with an answer for each completion
   */
  CompletableFuture<List<Answer>> start(List<Rollout> rollouts, Executor threads) {
    Answer[] answers = new Answer[rollouts.size()];
    AtomicInteger next = new AtomicInteger();
    AtomicInteger silent = new AtomicInteger();
    int batchSize = choice.limits().batchSize();
    CompletableFuture<?>[] done =
        lanes.stream()
            .map(
                lane ->
                    CompletableFuture.runAsync(
                        () -> {
                          for (int from = next.getAndAdd(batchSize);
                              from < answers.length;
                              from = next.getAndAdd(batchSize)) {
                            int to = Math.min(answers.length, from + batchSize);
                            List<Answer> batch = ask(lane, rollouts.subList(from, to), silent);
                            for (int i = from; i < to; i++) {
                              answers[i] = batch.get(i - from);
                            }
                          }
                        },
                        threads))
            .toArray(CompletableFuture[]::new);
    return CompletableFuture.allOf(done).thenApply(all -> List.of(answers));
  }

  /**
   * A call that fails as a whole is repeated row by row, so that it costs the guilty rows alone.
   */
  private List<Answer> ask(Lane lane, List<Rollout> rows, AtomicInteger silent) {
    List<Answer> answers = call(lane, rows, silent);
    if (rows.size() == 1 || !Answer.isFailureOfCall(answers)) {
      return answers;
    }
    List<Answer> single = new ArrayList<>();
    rows.forEach(row -> single.addAll(call(lane, List.of(row), silent)));
    return single;
  }

  /**
   * @param silent how many calls timed out since one was answered, in this step
   */
  private List<Answer> call(Lane lane, List<Rollout> rows, AtomicInteger silent) {
    int most = Math.max(LEAST_SILENT, 2 * lanes.size());
    if (silent.get() >= most) {
      Answer failed = new Answer.Failed(Reason.NOT_ASKED, "the last " + most + " calls timed out");
      return Collections.nCopies(rows.size(), failed);
    }
    try {
      List<Answer> answers = lane.call(rows);
      if (answers.get(0) instanceof Answer.Failed failed && failed.reason() == Reason.TIMED_OUT) {
        silent.incrementAndGet();
      } else {
        silent.set(0);
      }
      return answers;
    } catch (InterruptedException e) {
      throw new CancellationException("reward " + label() + " was interrupted");
    }
  }

  /** Asks the executors, on the calling thread; what goes wrong there is not a row's fault. */
  List<Answer> askExecutors(List<Rollout> rollouts) {
    try {
      List<OptionalDouble> values = functions.get().score(RewardBatch.of(rollouts));
      return Answer.of(values, rollouts.size());
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new CollimateException(
          CollimateException.Kind.RESOURCES,
          "rewards: %s could not be computed: %s".formatted(label(), e.getMessage()),
          e);
    }
  }

  @Override
  public void close() {
    lanes.forEach(Lane::close);
  }
}
