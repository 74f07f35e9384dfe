package dev.collimate.generate;

import dev.collimate.CollimateException;
import dev.collimate.nn.CachedRows;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.Decoder;
import dev.collimate.random.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Continues prompts with a decoder, one batch at a time. A row's draws depend on its seed, the
 * parameters' seed and the token's index alone; the last bits of its logits, and so in rare cases
 * its tokens, also on the rows beside it. For results that depend on the row alone, give it a batch
 * of its own.
 */
public final class Generator {

  private final Decoder decoder;
  private final int[] eosIds;
  private final Adapter adapter;
  private final Optional<Mixture> mixture;

  /**
   * A second model that has a say in every token: completions are drawn from {@code softmax((1 -
   * share) * logits + share * the second's logits)}.
   *
   * @param share in 0..1
   */
  public record Mixture(Decoder model, Adapter adapter, double share) {}

  /**
   * Generates with the adapter on, where there is one.
   *
   * @param eosIds tokens that end a completion
   */
  public Generator(Decoder decoder, int[] eosIds) {
    this(decoder, eosIds, Adapter.ON);
  }

  public Generator(Decoder decoder, int[] eosIds, Adapter adapter) {
    this(decoder, eosIds, adapter, Optional.empty());
  }

  private Generator(Decoder decoder, int[] eosIds, Adapter adapter, Optional<Mixture> mixture) {
    this.decoder = decoder;
    this.eosIds = eosIds.clone();
    this.adapter = adapter;
    this.mixture = mixture;
  }

  /**
   * The same with a say for a second model.
   *
   * @throws CollimateException of kind USAGE where the two do not read the same vocabulary
   */
  public Generator mixedWith(Mixture second) {
    int own = decoder.config().vocabSize();
    int its = second.model().config().vocabSize();
    if (own != its) {
      throw CollimateException.usage(
          "reference_model: its vocabulary has %d tokens, the model's has %d; a mixture of both needs the same"
              .formatted(its, own));
    }
    return new Generator(decoder, eosIds, adapter, Optional.of(second));
  }

  /**
   * Continues every prompt.
   *
   * @param prompts token ids, at least one each
   * @param rowSeeds one per prompt
   * @return in the order of the prompts
   * @throws CollimateException of kind USAGE where prompt and new tokens are more than can be
   *     counted
   */
  public List<Completion> generate(
      List<int[]> prompts, List<Long> rowSeeds, SamplingParams params) {
    return generate(prompts, 1, rowSeeds, params);
  }

  /**
   * Continues every prompt several times; the prompt itself is computed once.
   *
   * @param prompts token ids, at least one each
   * @param samples completions of each prompt, at least 1
   * @param rowSeeds of every completion, those of a prompt next to each other
   * @return in the order of the seeds
   * @throws CollimateException as {@link #generate(List, List, SamplingParams)}
   */
  public List<Completion> generate(
      List<int[]> prompts, int samples, List<Long> rowSeeds, SamplingParams params) {
    if (prompts.size() * samples != rowSeeds.size()) {
      throw new IllegalArgumentException(
          "%d prompts times %d need as many seeds, got %d"
              .formatted(prompts.size(), samples, rowSeeds.size()));
    }
    if (prompts.isEmpty()) {
      return List.of();
    }
    requireCountable(prompts, params);
    CounterRandom random = CounterRandom.of(params.seed(), "sampling");
    List<Row> rows = new ArrayList<>();
    for (long rowSeed : rowSeeds) {
      rows.add(new Row(random.child(rowSeed), params.maxNewTokens()));
    }
    try (CachedRows cached = decoder.continuing(prompts, params.maxNewTokens(), adapter)) {
      mixture.ifPresent(
          second ->
              cached.mixWith(
                  second.model().continuing(prompts, params.maxNewTokens(), second.adapter()),
                  second.share()));
      if (samples > 1) {
        cached.keep(IntStream.range(0, rowSeeds.size()).map(row -> row / samples).toArray());
      }
      run(cached, new ArrayList<>(rows), params);
    }
    return rows.stream().map(Row::completion).toList();
  }

  /**
   * @param active the rows of {@code cached}, finished ones among them until they are dropped
   */
  private void run(CachedRows cached, List<Row> active, SamplingParams params) {
    while (true) {
      double[] uniform = active.stream().mapToDouble(Row::uniform).toArray();
      CachedRows.Draw draw =
          cached.draw(params.temperature(), params.topK(), params.topP(), uniform);
      for (int i = 0; i < draw.ids().length; i++) {
        active.get(i).accept(draw.ids()[i], draw.logProbs()[i], isEnd(draw.ids()[i], params));
      }
      int[] unfinished = unfinished(active);
      if (unfinished.length == 0) {
        return;
      }
      int[] next = draw.ids();
      // Copying the cache costs about as much as one step, so a quarter must be gain.
      if (unfinished.length <= active.size() * 3 / 4) {
        cached.keep(unfinished);
        next = Arrays.stream(unfinished).map(i -> draw.ids()[i]).toArray();
        List<Row> kept = Arrays.stream(unfinished).mapToObj(active::get).toList();
        active.clear();
        active.addAll(kept);
      }
      cached.append(next);
    }
  }

  private static void requireCountable(List<int[]> prompts, SamplingParams params) {
    int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElse(0);
    int most = Integer.MAX_VALUE - longest;
    if (params.maxNewTokens() > most) {
      throw CollimateException.usage(
          "max_new_tokens must be at most %d behind a prompt of %d tokens, got %d"
              .formatted(most, longest, params.maxNewTokens()));
    }
  }

  private boolean isEnd(int id, SamplingParams params) {
    return !params.ignoreEos() && Arrays.stream(eosIds).anyMatch(eos -> eos == id);
  }

  private static int[] unfinished(List<Row> rows) {
    int[] indices = new int[rows.size()];
    int count = 0;
    for (int i = 0; i < indices.length; i++) {
      if (!rows.get(i).isFinished) {
        indices[count++] = i;
      }
    }
    return Arrays.copyOf(indices, count);
  }

  /** A completion as it grows; the limit is often far above what is drawn. */
  private static final class Row {
    private static final int FIRST_ROOM = 16;

    private final CounterRandom random;
    private final int maxNewTokens;
    private int[] ids;
    private float[] logProbs;
    private int length;
    private boolean isFinished;

    Row(CounterRandom random, int maxNewTokens) {
      this.random = random;
      this.maxNewTokens = maxNewTokens;
      ids = new int[Math.min(FIRST_ROOM, maxNewTokens)];
      logProbs = new float[ids.length];
    }

    /** Decides the next token. */
    double uniform() {
      return random.uniform(length);
    }

    void accept(int id, float logProb, boolean isEnd) {
      if (!isFinished) {
        if (length == ids.length) {
          int room = (int) Math.min(2L * length, maxNewTokens);
          ids = Arrays.copyOf(ids, room);
          logProbs = Arrays.copyOf(logProbs, room);
        }
        ids[length] = id;
        logProbs[length++] = logProb;
        isFinished = isEnd || length == maxNewTokens;
      }
    }

    Completion completion() {
      return new Completion(Arrays.copyOf(ids, length), Arrays.copyOf(logProbs, length));
    }
  }
}
