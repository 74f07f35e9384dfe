package dev.collimate.inference;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.config.Source;
import dev.collimate.data.OrderedRows;
import dev.collimate.data.PreparerSource;
import dev.collimate.data.SparkFailure;
import dev.collimate.executor.ModelSlot;
import dev.collimate.executor.ModelSpec;
import dev.collimate.executor.RowLogProbs;
import dev.collimate.executor.RowScores;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.storage.HadoopFolder;
import dev.collimate.text.Example;
import dev.collimate.text.Prepared;
import dev.collimate.text.PreparerConfig;
import dev.collimate.text.RowShape;
import dev.collimate.text.Sequence;
import java.io.IOException;
import java.io.Serializable;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import scala.Tuple2;

/**
 * What a model says about a file's rows. Log-probabilities that it gives the completions of a
 * file's rows: {@code chosen_logps} and {@code rejected_logps} of pairs, {@code logps} of other
 * rows, each the sum over the counted tokens in nats, with the tokens' number. Or rewards, of whole
 * texts: {@code chosen_reward} and {@code rejected_reward} of pairs, {@code reward} of other rows.
 * A row is computed by itself.
 */
public final class Score {

  private static final int SHOWN = 3;
  static final String REWARD = "reward";
  private static final String LOGPS = "logps";
  private static final String NUM_TOKENS = "num_tokens";
  private static final String PER_TOKEN_LOGPS = "per_token_logps";
  private static final String TOKEN_IDS = "token_ids";

  private Score() {}

  /** What stands in the output beside the sums. */
  public enum Detail {
    SUMS,
    /** {@code *_per_token_logps} and the {@code *_token_ids} they belong to. */
    TOKENS,
    /** Rewards instead, of a reward model; a list where it gives several numbers. */
    REWARDS
  }

  /**
   * Scores all rows.
   *
   * @param data pairs, prompts with completions, messages, texts, or tokenized rows
   * @param output a {@code .jsonl} or {@code .parquet} file, or a folder; must not exist
   * @return number of rows
   * @throws CollimateException (data) where a row cannot be scored; names the first ones; (usage)
   *     where a row has a column that the output adds
   */
  public static long run(
      SparkSession session, ModelSpec model, Source data, String output, Detail detail)
      throws IOException {
    return run(session, model, data, output, detail, RewardReading.PLAIN);
  }

  /**
   * Scores all rows with rewards that are read in another way.
   *
   * @param reading of detail REWARDS
   */
  public static long run(
      SparkSession session,
      ModelSpec model,
      Source data,
      String output,
      Detail detail,
      RewardReading reading)
      throws IOException {
    requireFit(model, detail);
    reading.requireFit(model.numLabels());
    RowOutput results = new RowOutput(session, output);
    Configuration configuration = session.sparkContext().hadoopConfiguration();
    try (OrderedRows rows = OrderedRows.read(session, "--data", data)) {
      Map<String, Object> first = rows.first();
      boolean pairs = first.containsKey("chosen") || first.containsKey("chosen_input_ids");
      RowShape shape = shape(pairs, detail);
      PreparerSource preparers = preparers(model, shape, reading, configuration);
      requireUsable("--data", rows, preparers, added(pairs, detail));
      results.write(rows, () -> new Task(model, preparers, detail, reading));
      return rows.count();
    }
  }

  private static void requireFit(ModelSpec model, Detail detail) {
    if (detail != Detail.REWARDS) {
      model.requireCausal("--model");
    } else if (model.numLabels() == 0) {
      throw CollimateException.usage(
          "--model: '%s' is a causal language model, which gives no rewards; give a reward model, or leave --reward out"
              .formatted(model.model()));
    }
  }

  private static RowShape shape(boolean pairs, Detail detail) {
    if (detail == Detail.REWARDS) {
      return pairs ? RowShape.REWARD : RowShape.SCORED;
    }
    return pairs ? RowShape.PREFERENCE : RowShape.DEMONSTRATION;
  }

  /** Rows are taken whole: a score of a cut row would be another row's. */
  static PreparerSource preparers(ModelSpec model, RowShape shape, Configuration configuration) {
    return preparers(model, shape, RewardReading.PLAIN, configuration);
  }

  private static PreparerSource preparers(
      ModelSpec model, RowShape shape, RewardReading reading, Configuration configuration) {
    PreparerConfig usual =
        PreparerConfig.defaults(shape, LocalDateTime.now(ZoneId.systemDefault()));
    return new PreparerSource(
        model.model(),
        new PreparerConfig(
            usual.shape(),
            PreparerConfig.UNLIMITED,
            usual.truncationMode(),
            PreparerConfig.UNLIMITED,
            usual.boundaryMerge(),
            usual.completionOnlyLoss(),
            usual.assistantOnlyLoss(),
            ModelConfig.read(HadoopFolder.open("--model", model.model(), configuration))
                .vocabSize(),
            usual.templateTime(),
            reading.columns(usual.columns())),
        new SerializableConfiguration(configuration));
  }

  private static Set<String> added(boolean pairs, Detail detail) {
    Set<String> added = new TreeSet<>();
    for (String prefix : pairs ? List.of("chosen_", "rejected_") : List.of("")) {
      if (detail == Detail.REWARDS) {
        added.add(prefix + REWARD);
        continue;
      }
      added.add(prefix + LOGPS);
      added.add(prefix + NUM_TOKENS);
      if (detail == Detail.TOKENS) {
        added.add(prefix + PER_TOKEN_LOGPS);
        added.add(prefix + TOKEN_IDS);
      }
    }
    return added;
  }

  /**
   * What speaks against a row.
   *
   * @param clash a column of it that the output adds; empty where there is none
   */
  private record Objection(long row, String clash, String refusal) implements Serializable {}

  /**
   * Looks at all rows before the first is computed.
   *
   * @param key the option that names the rows
   * @param added columns of the output, which no row may have: they would be lost
   */
  static void requireUsable(
      String key, OrderedRows rows, PreparerSource preparers, Set<String> added)
      throws IOException {
    List<String> columns = new ArrayList<>(added);
    List<Objection> objections;
    try {
      objections =
          rows.pieces()
              .mapPartitions(
                  piece -> {
                    List<Objection> ofPiece = new ArrayList<>();
                    try (PreparerSource.Open open = preparers.open()) {
                      while (piece.hasNext()) {
                        Tuple2<Long, String> numbered = piece.next();
                        Map<String, Object> row = OrderedRows.row(numbered._2());
                        long number = numbered._1() + 1;
                        columns.stream()
                            .filter(row::containsKey)
                            .forEach(clash -> ofPiece.add(new Objection(number, clash, "")));
                        if (open.preparer().prepare(row) instanceof Prepared.Refused no) {
                          ofPiece.add(new Objection(number, "", no.reason() + ", " + no.detail()));
                        }
                      }
                    }
                    return ofPiece.iterator();
                  })
              .collect();
    } catch (Exception e) {
      throw SparkFailure.of("checking rows", e);
    }
    for (Objection objection : objections) {
      if (!objection.clash().isEmpty()) {
        throw CollimateException.usage(
            "%s: row %d has a column '%s', which the output adds; rename or drop it"
                .formatted(key, objection.row(), objection.clash()));
      }
    }
    List<String> refused =
        objections.stream()
            .map(refusal -> "row %d: %s".formatted(refusal.row(), refusal.refusal()))
            .toList();
    if (!refused.isEmpty()) {
      throw CollimateException.data(
          "%d of %d rows cannot be used (%s); leave them out of the input"
              .formatted(
                  refused.size(),
                  rows.count(),
                  String.join("; ", refused.subList(0, Math.min(SHOWN, refused.size())))));
    }
  }

  /** Scores rows on an executor. */
  private record Task(
      ModelSpec model,
      PreparerSource preparers,
      PreparerSource.Open open,
      Detail detail,
      RewardReading reading)
      implements RowTask {

    Task(ModelSpec model, PreparerSource preparers, Detail detail, RewardReading reading) {
      this(model, preparers, preparers.open(), detail, reading);
    }

    @Override
    public List<Map<String, Object>> run(long number, Map<String, Object> row) {
      Example example = ((Prepared.Ready) open.preparer().prepare(row)).example();
      if (detail == Detail.REWARDS) {
        RowScores scores =
            ModelSlot.with(
                model,
                preparers.configuration().value(),
                decoder -> RowScores.of(decoder, example));
        reading
            .of(scores.byRole())
            .forEach(
                (role, values) ->
                    row.put(prefix(role) + REWARD, values.length == 1 ? values[0] : values));
        return List.of(row);
      }
      RowLogProbs logProbs =
          ModelSlot.with(
              model,
              preparers.configuration().value(),
              decoder -> RowLogProbs.of(decoder, example, Adapter.ON));
      example.sequences().forEach((role, sequence) -> addColumns(row, role, sequence, logProbs));
      return List.of(row);
    }

    private void addColumns(
        Map<String, Object> row, String role, Sequence sequence, RowLogProbs logProbs) {
      String prefix = prefix(role);
      row.put(prefix + LOGPS, logProbs.sum(role));
      row.put(prefix + NUM_TOKENS, sequence.countedTokens());
      if (detail == Detail.TOKENS) {
        row.put(prefix + PER_TOKEN_LOGPS, logProbs.byRole().get(role));
        row.put(prefix + TOKEN_IDS, countedIds(sequence));
      }
    }

    private static String prefix(String role) {
      return role.equals("completion") ? "" : role + "_";
    }

    private static int[] countedIds(Sequence sequence) {
      int[] counted = new int[sequence.countedTokens()];
      int next = 0;
      for (int t = 0; t < sequence.length(); t++) {
        if (sequence.lossMask()[t] == 1) {
          counted[next++] = sequence.ids()[t];
        }
      }
      return counted;
    }

    @Override
    public void close() {
      open.close();
    }
  }
}
