package dev.collimate.planted;

import dev.collimate.generate.Completion;
import dev.collimate.generate.Generator;
import dev.collimate.generate.SamplingParams;
import dev.collimate.learn.MetricSums;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.CausalModel.Pass;
import dev.collimate.nn.Decoder;
import dev.collimate.nn.Quantity;
import dev.collimate.planted.Judged.Side;
import dev.collimate.text.ByteLevelTokenizer;
import dev.collimate.text.Example;
import dev.collimate.text.ExamplePreparer;
import dev.collimate.text.Prepared;
import dev.collimate.text.PreparerConfig;
import dev.collimate.text.RowShape;
import dev.collimate.text.Sequence;
import dev.collimate.text.Tokenizer;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.LongStream;

/** A trained model, read while it is as its training left it. */
final class Outcome implements Trained {

  private static final int LONGEST = 24;
  private static final int TOGETHER = 100;

  private final Planted data;
  private final Tokenizer tokenizer;
  private final Decoder start;
  private final Decoder model;
  private final int scores;
  private final long seed;
  private final MetricSums reported;
  private final ExamplePreparer preparer;

  /**
   * @param scores that a reward model gives; 0 for a language model
   * @param reported what the objective says of unseen rows
   */
  Outcome(
      Planted data,
      Tokenizer tokenizer,
      Decoder start,
      Decoder model,
      int scores,
      long seed,
      MetricSums reported) {
    this.data = data;
    this.tokenizer = tokenizer;
    this.start = start;
    this.model = model;
    this.scores = scores;
    this.seed = seed;
    this.reported = reported;
    RowShape shape = scores > 0 ? RowShape.SCORED : RowShape.DEMONSTRATION;
    preparer =
        new ExamplePreparer(
            Optional.of(tokenizer), PreparerConfig.defaults(shape, LocalDateTime.MIN));
  }

  @Override
  public Planted data() {
    return data;
  }

  @Override
  public double[] margins(List<Judged> pairs) {
    List<Side> better = pairs.stream().map(Judged::better).toList();
    List<Side> worse = pairs.stream().map(Judged::worse).toList();
    double[] margins = new double[pairs.size()];
    if (scores > 1) {
      List<float[]> of = values(model, better);
      List<float[]> against = values(model, worse);
      for (int i = 0; i < margins.length; i++) {
        for (int b = 0; b < scores; b += 2) {
          float[] one = of.get(i);
          float[] other = against.get(i);
          margins[i] += one[b] * other[b + 1] - one[b + 1] * other[b];
        }
      }
      return margins;
    }
    double[] of = shifts(better);
    double[] against = shifts(worse);
    for (int i = 0; i < margins.length; i++) {
      margins[i] = of[i] - against[i];
    }
    return margins;
  }

  @Override
  public double[] shifts(List<Side> sides) {
    double[] shifts = sums(values(model, sides));
    if (scores == 0) {
      double[] before = sums(values(start, sides));
      for (int i = 0; i < shifts.length; i++) {
        shifts[i] -= before[i];
      }
    }
    return shifts;
  }

  private static double[] sums(List<float[]> values) {
    return values.stream().mapToDouble(Preparation::sum).toArray();
  }

  /** Log-probabilities of the completions' tokens, or scores. */
  private List<float[]> values(Decoder of, List<Side> sides) {
    return values(of, sides, scores > 0 ? Quantity.SCORE : Quantity.LOG_PROB);
  }

  @Override
  public List<float[]> masks(List<Side> sides) {
    return values(model, sides, Quantity.REWARD_MASK);
  }

  @Override
  public double reported(String metric) {
    return reported.value(metric);
  }

  private List<float[]> values(Decoder of, List<Side> sides, Quantity quantity) {
    List<float[]> values = new ArrayList<>();
    for (int from = 0; from < sides.size(); from += TOGETHER) {
      List<Sequence> sequences =
          sides.subList(from, Math.min(sides.size(), from + TOGETHER)).stream()
              .map(this::sequence)
              .toList();
      try (Pass pass = of.forward(sequences, Set.of(quantity), Mode.EVALUATE, Adapter.ON)) {
        values.addAll(List.of(pass.values(quantity)));
      }
    }
    return values;
  }

  private Sequence sequence(Side side) {
    Prepared prepared =
        preparer.prepare(Map.of("prompt", side.prompt(), "completion", side.completion()));
    Example example = ((Prepared.Ready) prepared).example();
    return example.sequences().get("completion");
  }

  @Override
  public int tokens(Side side) {
    return sequence(side).countedTokens();
  }

  @Override
  public double negativeLogProb(List<Side> sides) {
    double sum = 0;
    int count = 0;
    for (float[] tokens : values(model, sides)) {
      sum -= Preparation.sum(tokens);
      count += tokens.length;
    }
    return sum / count;
  }

  @Override
  public List<String> drawn(List<String> prompts) {
    return drawn(model, prompts);
  }

  @Override
  public List<String> drawnAtStart(List<String> prompts) {
    return drawn(start, prompts);
  }

  private List<String> drawn(Decoder from, List<String> prompts) {
    SamplingParams sampling = new SamplingParams(LONGEST, 1, 0, 1, seed, false);
    List<int[]> ids = prompts.stream().map(tokenizer::encode).toList();
    List<Long> seeds = LongStream.range(0, prompts.size()).boxed().toList();
    List<Completion> completions =
        new Generator(from, new int[] {ByteLevelTokenizer.EOS_ID}).generate(ids, seeds, sampling);
    return completions.stream()
        .map(completion -> tokenizer.decodeSkippingSpecialTokens(completion.ids()))
        .toList();
  }
}
