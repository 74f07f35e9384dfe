package dev.collimate.reference;

import dev.collimate.CollimateException;
import dev.collimate.config.RunConfig;
import dev.collimate.data.Digest128;
import dev.collimate.data.PreparedData;
import dev.collimate.data.RowFacts;
import dev.collimate.data.ShardReader;
import dev.collimate.data.SparkFailure;
import dev.collimate.executor.ExecutorNumerics;
import dev.collimate.executor.ExecutorNumerics.Mixture;
import dev.collimate.executor.ModelSlot;
import dev.collimate.executor.ModelSpec;
import dev.collimate.executor.RowLogProbs;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.DecoderOptions.Sharing;
import dev.collimate.nn.Numerics;
import dev.collimate.objective.ReferenceUse;
import dev.collimate.text.Example;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Computes the reference model's log-probabilities of a data set, on executors, row by row. What
 * the store holds already is not computed again; a lost executor costs its piece of work.
 */
public final class ReferenceJob {

  private static final Logger log = LoggerFactory.getLogger(ReferenceJob.class);

  /** Tokens of a piece of work; a task's cost, and what a lost executor costs. */
  private static final long TOKENS_PER_TASK = 1 << 16;

  /** Of one Spark job, so that tokens' values stay below spark.driver.maxResultSize as it is. */
  private static final int TASKS_PER_JOB = 1 << 11;

  /** Folder within the run's output, where no other store is given. */
  public static final String FOLDER = "reference";

  private final JavaSparkContext spark;
  private final ModelSpec model;
  private final Numerics numerics;
  private final Mixture mixture;
  private final ReferenceUse use;
  private final Path root;
  private final TreeMap<String, String> content;

  /**
   * @param numerics of the executors; stored values of others are not used
   * @param use what is computed and stored, from the objective's declaration
   * @param root the store's folder
   */
  ReferenceJob(
      JavaSparkContext spark,
      ModelSpec model,
      Numerics numerics,
      Mixture mixture,
      ReferenceUse use,
      Path root) {
    this.spark = spark;
    this.model = model;
    this.numerics = numerics;
    this.mixture = mixture;
    this.use = use;
    this.root = root;
    this.content = new TreeMap<>(ReferenceSource.content(model, spark.hadoopConfiguration()));
  }

  /**
   * The reference of a run, computed and stored as its run file says.
   *
   * @param use what the run's objective reads
   */
  public static ReferenceJob of(SparkSession session, RunConfig run, ReferenceUse use)
      throws IOException {
    JavaSparkContext spark = JavaSparkContext.fromSparkContext(session.sparkContext());
    ModelSpec model = ReferenceSource.of(run, spark.hadoopConfiguration());
    Path root =
        run.reference().store().map(Path::new).orElseGet(() -> new Path(run.output(), FOLDER));
    Mixture mixture = run.cluster().mixed() ? Mixture.ADMITTED : Mixture.REFUSED;
    try {
      Numerics numerics = ExecutorNumerics.ofOne(spark, model);
      return new ReferenceJob(spark, model, numerics, mixture, use, root);
    } catch (RuntimeException e) {
      throw SparkFailure.of("reference", e);
    }
  }

  /**
   * The values, and what they cost.
   *
   * @param values by row of the split
   * @param computed rows that were run through the model
   * @param reused rows whose values were stored, or equal to a computed row's
   * @param exact whether all values have the bits of the job's numerics
   */
  public record Result(ReferenceValues values, int computed, int reused, boolean exact) {}

  /** The numerics fingerprint by which stored values are found. */
  public Numerics numerics() {
    return numerics;
  }

  /**
   * What a task computed.
   *
   * @param sums row by row, in order of roles
   * @param tokens the same with [counted token]; none where they are not used
   * @param exact whether with the job's numerics
   */
  private record Piece(double[] sums, float[][] tokens, boolean exact) implements Serializable {}

  /** What a task needs. */
  private record Task(
      PreparedData data,
      PreparedData.Split split,
      List<String> roles,
      ModelSpec model,
      TreeMap<String, String> content,
      TreeMap<String, String> numerics,
      Mixture mixture,
      ReferenceUse use,
      String root,
      SerializableConfiguration configuration)
      implements Serializable {

    /** Computes some rows, and stores them under the numerics that computed them. */
    Piece compute(int[] rows) throws IOException {
      List<StoredRow> results = new ArrayList<>(rows.length);
      Numerics expected = new Numerics(numerics);
      Numerics here;
      try (ShardReader reader = new ShardReader(data, split, configuration.value(), 0)) {
        List<Example> examples = reader.rows(rows);
        here =
            ModelSlot.with(
                model,
                configuration.value(),
                decoder -> {
                  Numerics own = ExecutorNumerics.require(expected, mixture);
                  for (Example example : examples) {
                    RowLogProbs logProbs = RowLogProbs.of(decoder, example, roles, Adapter.ON);
                    Map<String, Double> sums = new LinkedHashMap<>();
                    roles.forEach(role -> sums.put(role, logProbs.sum(role)));
                    results.add(
                        new StoredRow(
                            example.key(),
                            Digest128.ofHex(example.contentHash()),
                            sums,
                            use == ReferenceUse.TOKENS ? logProbs.byRole() : Map.of()));
                  }
                  return own;
                });
      }
      ReferenceStore.open(new Path(root), identity(model, content, here), configuration.value())
          .add(roles, use, results, configuration.value());
      double[] sums =
          results.stream()
              .flatMapToDouble(row -> roles.stream().mapToDouble(role -> row.sums().get(role)))
              .toArray();
      float[][] tokens =
          results.stream()
              .filter(row -> !row.tokens().isEmpty())
              .flatMap(row -> roles.stream().map(role -> row.tokens().get(role)))
              .toArray(float[][]::new);
      return new Piece(sums, tokens, here.hash().equals(expected.hash()));
    }
  }

  /**
   * Brings the store up to date with a split and returns the split's values.
   *
   * @throws CollimateException (data) where a value is not finite; (resources) where an executor's
   *     numerics differ from the first one's and {@code cluster.mixed} is false
   */
  public Result run(PreparedData data, PreparedData.Split split, RowFacts rows) throws IOException {
    return run(data, split, rows, data.index().roles());
  }

  /** The same of some of the rows' sequences. */
  public Result run(PreparedData data, PreparedData.Split split, RowFacts rows, List<String> roles)
      throws IOException {
    Configuration configuration = spark.hadoopConfiguration();
    ReferenceStore store =
        ReferenceStore.open(root, identity(model, content, numerics), configuration);
    ReferenceValues values = new ReferenceValues(rows.count(), roles, use);
    ContentIndex index = new ContentIndex(rows);
    store.read(use, configuration, stored -> values.put(index, stored));
    int[] missing = values.unknownContents(rows, index);
    boolean exact = Numerics.isExact(numerics.facts());
    if (missing.length > 0) {
      log.info("Reference: {} of {} rows to compute", missing.length, rows.count());
      Task task =
          new Task(
              data,
              split,
              List.copyOf(roles),
              model,
              content,
              new TreeMap<>(numerics.facts()),
              mixture,
              use,
              root.toString(),
              new SerializableConfiguration(configuration));
      List<int[]> pieces = pieces(missing, rows, roles);
      for (int from = 0; from < pieces.size(); from += TASKS_PER_JOB) {
        int to = Math.min(from + TASKS_PER_JOB, pieces.size());
        exact &= compute(task, pieces.subList(from, to), rows, index, values);
      }
    }
    return new Result(values, missing.length, rows.count() - missing.length, exact);
  }

  private boolean compute(
      Task task, List<int[]> pieces, RowFacts rows, ContentIndex index, ReferenceValues values)
      throws IOException {
    List<Piece> computed;
    try {
      computed = spark.parallelize(pieces, pieces.size()).map(task::compute).collect();
    } catch (Exception e) {
      throw SparkFailure.of("reference", e);
    }
    List<String> roles = task.roles();
    for (int piece = 0; piece < pieces.size(); piece++) {
      int[] ofPiece = pieces.get(piece);
      for (int i = 0; i < ofPiece.length; i++) {
        Map<String, Double> sums = new LinkedHashMap<>();
        Map<String, float[]> tokens = new LinkedHashMap<>();
        for (int role = 0; role < roles.size(); role++) {
          int sequence = i * roles.size() + role;
          sums.put(roles.get(role), computed.get(piece).sums()[sequence]);
          if (use == ReferenceUse.TOKENS) {
            tokens.put(roles.get(role), computed.get(piece).tokens()[sequence]);
          }
        }
        values.put(index, new StoredRow("", rows.contentHash(ofPiece[i]), sums, tokens));
      }
    }
    return computed.stream().allMatch(Piece::exact);
  }

  /** Rows in order, cut where a piece has its tokens. */
  private static List<int[]> pieces(int[] missing, RowFacts rows, List<String> roles) {
    List<int[]> pieces = new ArrayList<>();
    int first = 0;
    long tokens = 0;
    for (int i = 0; i < missing.length; i++) {
      for (String role : roles) {
        tokens += rows.length(role, missing[i]);
      }
      if (tokens >= TOKENS_PER_TASK || i == missing.length - 1) {
        pieces.add(Arrays.copyOfRange(missing, first, i + 1));
        first = i + 1;
        tokens = 0;
      }
    }
    return pieces;
  }

  private static SortedMap<String, String> identity(
      ModelSpec model, SortedMap<String, String> content, Numerics numerics) {
    SortedMap<String, String> identity = new TreeMap<>(content);
    identity.put("precision", model.precision().name());
    identity.put("threads", Integer.toString(model.threads()));
    identity.put("numerics", numerics.hash());
    if (model.sharing() == Sharing.PREFIXES) {
      identity.put("prefix_sharing", "true");
    }
    return identity;
  }
}
