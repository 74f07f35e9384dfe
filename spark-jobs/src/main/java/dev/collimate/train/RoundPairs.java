package dev.collimate.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.config.RewardSection;
import dev.collimate.config.RunConfig;
import dev.collimate.config.Source;
import dev.collimate.data.Digest128;
import dev.collimate.data.OrderedRows;
import dev.collimate.data.PreparerSource;
import dev.collimate.data.ShardReader;
import dev.collimate.executor.ModelSpec;
import dev.collimate.generate.SamplingParams;
import dev.collimate.inference.BestAndWorst;
import dev.collimate.inference.Generate;
import dev.collimate.reward.PromptMixer;
import dev.collimate.reward.RewardBatch;
import dev.collimate.reward.RewardChoice;
import dev.collimate.reward.RewardOutcome;
import dev.collimate.reward.Rewards;
import dev.collimate.reward.Rollout;
import dev.collimate.reward.RowReward;
import dev.collimate.storage.HadoopFolder;
import dev.collimate.storage.Storage;
import dev.collimate.text.Prepared;
import dev.collimate.text.Tokenizer;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;

/**
 * The pairs of a round, in a folder: {@code completions.jsonl} of the policy that the round starts
 * from, {@code rewards/} with the journal of what they scored, {@code scored.jsonl}, {@code
 * pairs.jsonl}, and last {@code facts.json}. A file that is there is not made again, but for those
 * after the last one that is whole.
 */
final class RoundPairs {

  /** Prompts whose completions are scored together, and stand in one page of the journal. */
  private static final int PROMPTS_PER_PAGE = 64;

  private static final String PROMPT = "prompt";
  private static final String COMPLETION = "completion";
  private static final String COMPLETION_IDS = "completion_input_ids";
  private static final String REWARD = "reward";

  private final SparkSession session;
  private final RunConfig run;
  private final Path folder;
  private final Runnable ownership;
  private final Configuration configuration;
  private final Storage storage;

  /**
   * @param ownership throws where this process no longer owns the run
   */
  RoundPairs(SparkSession session, RunConfig run, Path folder, Runnable ownership) {
    this.session = session;
    this.run = run;
    this.folder = folder;
    this.ownership = ownership;
    this.configuration = session.sparkContext().hadoopConfiguration();
    this.storage = Storage.of(folder, configuration);
  }

  static Path pairs(Path folder) {
    return new Path(folder, "pairs.jsonl");
  }

  /**
   * Makes the pairs, or finds them.
   *
   * @param policy that writes the completions
   * @return facts by name: {@code completions}, {@code reward}, their mean reward, {@code lost},
   *     completions without one, {@code prompts}, {@code pairs}, and {@code equal}, prompts left
   *     out because their completions have equal rewards
   * @throws CollimateException (data) where no prompt makes a pair
   */
  Map<String, Object> make(int round, ModelSpec policy) throws IOException {
    Path facts = new Path(folder, "facts.json");
    if (storage.exists(facts)) {
      return OrderedRows.read(new String(storage.read(facts), UTF_8));
    }
    ownership.run();
    Path completions = new Path(folder, "completions.jsonl");
    Path scored = new Path(folder, "scored.jsonl");
    if (!storage.exists(completions)) {
      Generate.run(
          session,
          policy,
          run.data().train().get(0),
          completions.toString(),
          sampling(round),
          run.rollout().numGenerations());
    }
    Tally tally = score(policy, completions, scored);
    tally.requirePairs(round);
    ownership.run();
    storage.fileSystem().delete(pairs(folder), false);
    Map<String, Object> made =
        BestAndWorst.run(session, json(scored), /* minGap= */ 0, pairs(folder).toString());
    Map<String, Object> all = tally.facts();
    long pairs = ((Number) made.get("pairs")).longValue();
    all.put("pairs", pairs);
    all.put("equal", ((Number) made.get("prompts")).longValue() - pairs);
    ownership.run();
    storage.replace(facts, OrderedRows.json(all).getBytes(UTF_8));
    return all;
  }

  private static Source json(Path file) {
    return new Source(
        Optional.of(file.toString()), Optional.empty(), Optional.of("json"), Map.of(), List.of());
  }

  /** Its draws are the round's. */
  private SamplingParams sampling(int round) {
    return new SamplingParams(
        run.rollout().maxCompletionLength(),
        run.rollout().temperature(),
        run.rollout().topK(),
        run.rollout().topP(),
        Digest128.of("%d round %d".formatted(run.seed(), round)).high(),
        /* ignoreEos= */ false);
  }

  /** What came of the rewards, counted. */
  private static final class Tally {
    private long completions;
    private long lost;
    private double sum;
    private boolean hasPair;

    void add(List<OptionalDouble> ofPrompt) {
      double[] scores =
          ofPrompt.stream()
              .filter(OptionalDouble::isPresent)
              .mapToDouble(OptionalDouble::getAsDouble)
              .toArray();
      completions += ofPrompt.size();
      lost += ofPrompt.size() - scores.length;
      for (double score : scores) {
        sum += score;
        hasPair |= score != scores[0];
      }
    }

    void requirePairs(int round) {
      if (!hasPair) {
        throw CollimateException.data(
            "rewards: in round %d no prompt has two completions with different rewards (%d completions, %d without a reward); nothing can be preferred, so look at the rewards, or raise rollout.num_generations or rollout.temperature"
                .formatted(round, completions, lost));
      }
    }

    Map<String, Object> facts() {
      Map<String, Object> facts = new LinkedHashMap<>();
      facts.put("completions", completions);
      facts.put("lost", lost);
      facts.put("reward", sum / (completions - lost));
      return facts;
    }
  }

  /** Writes the completions that have a reward with it, those of a prompt next to each other. */
  private Tally score(ModelSpec policy, Path completions, Path scored) throws IOException {
    Tally tally = new Tally();
    DriverRewardContext context = new DriverRewardContext(run, this::scores, configuration);
    RewardJournalFiles journal =
        new RewardJournalFiles(new Path(folder, "rewards"), configuration, ownership);
    Set<Integer> eos =
        Set.copyOf(
            ModelConfig.read(HadoopFolder.open("model", policy.model(), configuration))
                .tokens()
                .eos());
    List<RewardChoice> choices = run.rewards().stream().map(RewardSection::choice).toList();
    Optional<PromptMixer> mixer =
        run.rollout()
            .rewardMixer()
            .map(file -> new RunMixer(folder, configuration).read(file, choices));
    try (context;
        Rewards rewards =
            new Rewards(choices, context, journal, run.rollout().maxLostRollouts(), mixer);
        PreparerSource.Open open = Generate.preparers(policy, configuration).open();
        BufferedReader in =
            new BufferedReader(
                new InputStreamReader(storage.fileSystem().open(completions), UTF_8));
        BufferedWriter out =
            new BufferedWriter(
                new OutputStreamWriter(
                    storage.fileSystem().create(scored, /* overwrite= */ true), UTF_8))) {
      Tokenizer tokenizer =
          open.tokenizer()
              .orElseThrow(
                  () ->
                      CollimateException.usage(
                          "model: '%s' has no tokenizer; rounds make pairs of texts"
                              .formatted(policy.model())));
      int samples = run.rollout().numGenerations();
      long page = 0;
      for (List<String> lines = lines(in, samples); !lines.isEmpty(); lines = lines(in, samples)) {
        List<Map<String, Object>> rows = lines.stream().map(OrderedRows::read).toList();
        List<Rollout> rollouts = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
          long prompt = page * PROMPTS_PER_PAGE + i / samples;
          rollouts.add(rollout(rows.get(i), prompt, i % samples, open, tokenizer, eos));
        }
        RewardOutcome outcome = rewards.score(++page, rollouts);
        List<OptionalDouble> ofPrompt = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
          RowReward reward = outcome.rows().get(i);
          boolean counts =
              !reward.isLost() && reward.values().stream().anyMatch(value -> !value.isNaN());
          double total = reward.total(outcome.weights());
          ofPrompt.add(counts ? OptionalDouble.of(total) : OptionalDouble.empty());
          if (counts) {
            out.write(OrderedRows.json(scoredRow(rows.get(i), rollouts.get(i), total)));
            out.newLine();
          }
          if (ofPrompt.size() == samples) {
            tally.add(ofPrompt);
            ofPrompt.clear();
          }
        }
      }
    }
    return tally;
  }

  private static List<String> lines(BufferedReader in, int samples) throws IOException {
    List<String> lines = new ArrayList<>();
    while (lines.size() < PROMPTS_PER_PAGE * samples) {
      String line = in.readLine();
      if (line == null) {
        break;
      }
      lines.add(line);
    }
    return lines;
  }

  private static Rollout rollout(
      Map<String, Object> row,
      long prompt,
      int sample,
      PreparerSource.Open open,
      Tokenizer tokenizer,
      Set<Integer> eos) {
    if (row.get(PROMPT) == null) {
      throw CollimateException.data(
          "data.train: row %d has no 'prompt'; rounds make pairs of texts".formatted(prompt + 1));
    }
    int[] completion =
        ((List<?>) row.get(COMPLETION_IDS))
            .stream().mapToInt(id -> ((Number) id).intValue()).toArray();
    Map<String, Object> before = new LinkedHashMap<>(row);
    before.remove(COMPLETION);
    before.remove(COMPLETION_IDS);
    int[] ids =
        ((Prepared.Ready) open.preparer().prepare(before)).example().sequences().get(PROMPT).ids();
    return new Rollout(
        Long.toString(prompt),
        sample,
        tokenizer.decode(ids),
        tokenizer.decodeSkippingSpecialTokens(completion),
        completion,
        eos.contains(completion[completion.length - 1]),
        ShardReader.furtherColumns(before));
  }

  private static Map<String, Object> scoredRow(
      Map<String, Object> row, Rollout rollout, double reward) {
    Map<String, Object> scored = new LinkedHashMap<>();
    scored.put(PROMPT, row.get(PROMPT));
    scored.put(COMPLETION, rollout.completion());
    scored.put(REWARD, reward);
    return scored;
  }

  /** Scores of a reward model, by a Spark job of its own. */
  private List<OptionalDouble> scores(ModelSpec model, Tokenizer tokenizer, RewardBatch batch) {
    List<int[]> texts = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      texts.add(tokenizer.encode(batch.prompts().get(i) + batch.completions().get(i)));
    }
    JavaSparkContext spark = JavaSparkContext.fromSparkContext(session.sparkContext());
    SerializableConfiguration hadoop = new SerializableConfiguration(configuration);
    List<OptionalDouble> scores = new ArrayList<>();
    for (float score :
        spark
            .parallelize(texts, Math.min(texts.size(), spark.defaultParallelism()))
            .map(ids -> CompletionWriter.scores(model, List.of(ids), hadoop.value())[0])
            .collect()) {
      scores.add(OptionalDouble.of(score));
    }
    return scores;
  }
}
