package dev.collimate.train;

import dev.collimate.aggregate.Aggregator;
import dev.collimate.data.GivenRows;
import dev.collimate.data.PreparedData.Split;
import dev.collimate.generate.SamplingParams;
import dev.collimate.parameters.FlatVector;
import dev.collimate.text.GivenCompletion;
import dev.collimate.train.OnlineWork.SampleRange;
import java.util.ArrayList;
import java.util.List;

/** Has the workers complete prompts. */
final class Rollouts {

  private final Aggregator aggregator;
  private final Split split;
  private final PromptRows prompts;
  private final ScoringWorkers scoring;

  /**
   * @param split that the prompts are of
   * @param scoring told which policy the workers hold while rewards are asked
   */
  Rollouts(Aggregator aggregator, Split split, PromptRows prompts, ScoringWorkers scoring) {
    this.aggregator = aggregator;
    this.split = split;
    this.prompts = prompts;
    this.scoring = scoring;
  }

  /**
   * A completion of a prompt.
   *
   * @param row number of the prompt in its split
   * @param text what rewards are told of it
   */
  record Completed(int row, Written written, dev.collimate.reward.Rollout text) {}

  PromptRows prompts() {
    return prompts;
  }

  /** Completions of every prompt, drawn by the workers. */
  Completer drawn(List<SampleRange> ranges, SamplingParams params) {
    return (version, parameters, step, units) ->
        complete(version, parameters, step, units, ranges, params);
  }

  /**
   * The same with the rows' own answers behind a prompt's completions.
   *
   * @param samples completions of a prompt before them
   * @param roles of the answers
   */
  Completer withAnswers(Completer completions, int samples, List<String> roles) {
    return (version, parameters, step, units) -> {
      List<Completed> drawn = completions.complete(version, parameters, step, units);
      List<Completed> all = new ArrayList<>();
      for (int i = 0; i < drawn.size(); i++) {
        all.add(drawn.get(i));
        int sample = i % samples + 1;
        if (sample == samples) {
          int row = drawn.get(i).row();
          for (int[] ids : prompts.answers(row, roles)) {
            Written written = new Written(ids, new float[0], /* ended= */ true);
            all.add(new Completed(row, written, prompts.rollout(row, sample++, written)));
          }
        }
      }
      return all;
    };
  }

  /** The completions that the rows bring along. */
  Completer given(GivenRows rows) {
    return (version, parameters, step, units) -> {
      scoring.hold(aggregator, version, parameters);
      List<Completed> all = new ArrayList<>();
      for (int[] unit : units) {
        for (int row : unit) {
          int sample = 0;
          for (GivenCompletion given : rows.of(row)) {
            Written written = new Written(given.ids(), given.logProbs(), given.ended());
            all.add(new Completed(row, written, prompts.rollout(row, sample++, written)));
          }
        }
      }
      return all;
    };
  }

  /**
   * Completes prompts with a version of the parameters.
   *
   * @param step the optimizer step before which that is
   * @param units rows of every unit
   * @param ranges completions of every prompt, by who writes them; their numbers go on from range
   *     to range
   * @return those of a prompt next to each other, in the order of the units
   */
  List<Completed> complete(
      long version,
      FlatVector parameters,
      long step,
      List<int[]> units,
      List<SampleRange> ranges,
      SamplingParams params) {
    List<byte[]> work = new ArrayList<>();
    for (int[] rows : units) {
      for (SampleRange range : ranges) {
        work.add(new OnlineWork.Complete(step, split, rows, range, params).toBytes());
      }
    }
    scoring.hold(aggregator, version, parameters);
    List<byte[]> answers = aggregator.map(version, parameters, work);
    List<Completed> all = new ArrayList<>();
    int samples = ranges.stream().mapToInt(SampleRange::count).sum();
    for (int unit = 0; unit < units.size(); unit++) {
      int[] rows = units.get(unit);
      Written[][] ofUnit = new Written[rows.length][samples];
      for (int i = 0; i < ranges.size(); i++) {
        SampleRange range = ranges.get(i);
        List<Written> written =
            Written.all(answers.get(unit * ranges.size() + i), rows.length * range.count());
        for (int j = 0; j < written.size(); j++) {
          ofUnit[j / range.count()][range.first() + j % range.count()] = written.get(j);
        }
      }
      for (int i = 0; i < rows.length; i++) {
        for (int sample = 0; sample < samples; sample++) {
          Written written = ofUnit[i][sample];
          all.add(new Completed(rows[i], written, prompts.rollout(rows[i], sample, written)));
        }
      }
    }
    return all;
  }
}
