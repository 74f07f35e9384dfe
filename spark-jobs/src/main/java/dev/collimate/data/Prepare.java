package dev.collimate.data;

import dev.collimate.CollimateException;
import dev.collimate.config.DataConfig;
import dev.collimate.config.RunConfig;
import dev.collimate.config.Source;
import dev.collimate.objective.Declaration;
import dev.collimate.objective.Objectives;
import dev.collimate.storage.HadoopFolder;
import dev.collimate.storage.Publication;
import dev.collimate.storage.PublishedFile;
import dev.collimate.text.TokenMarks;
import java.io.IOException;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.StreamSupport;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.util.SerializableConfiguration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Tuple2;

/**
 * Turns sources of rows into a {@link PreparedData}: two shuffles of the rows (one where rows of a
 * key meet and are numbered, one into the shards) and one of their sort keys, from which the exact
 * first row of each shard is known before the shards are written. Where the objective asks for
 * completions of other prompts, these are shuffled twice too, see {@link MismatchedRows}.
 */
public final class Prepare {

  private static final Logger log = LoggerFactory.getLogger(Prepare.class);

  /** Folder within the run's output. */
  public static final String FOLDER = "data";

  static final int MAX_SHARD_ROWS = 4096;

  /** 64 MiB of token ids. */
  private static final long MAX_SHARD_TOKENS = 1L << 24;

  private final JavaSparkContext spark;
  private final SparkSession session;
  private final RunConfig config;
  private final Configuration configuration;
  private final List<Input> inputs = new ArrayList<>();
  private final PreparerSource preparers;
  private final PlaceRows placing;
  private final int maxShardRows;
  private final boolean mismatches;

  private Prepare(SparkSession session, RunConfig config, int maxShardRows) {
    this.session = session;
    this.spark = JavaSparkContext.fromSparkContext(session.sparkContext());
    this.config = config;
    this.configuration = spark.hadoopConfiguration();
    DataConfig data = config.data();
    addInputs("data.train", data.train());
    addInputs("data.eval", data.eval());
    this.preparers =
        new PreparerSource(
            config.model(),
            PreparerSettings.of(
                config,
                HadoopFolder.open("model", config.model(), configuration),
                LocalDateTime.now(ZoneId.systemDefault())),
            new SerializableConfiguration(configuration));
    this.placing =
        new PlaceRows(data.shuffle(), config.seed(), data.train().size(), data.evalFraction());
    this.maxShardRows = maxShardRows;
    this.mismatches =
        Objectives.create(config.objective().name(), config.objective().options())
            .declaration()
            .roles()
            .contains(Declaration.MISMATCHED);
  }

  private void addInputs(String key, List<Source> sources) {
    for (int i = 0; i < sources.size(); i++) {
      inputs.add(new Input(key + "." + i, inputs.size(), sources.get(i)));
    }
  }

  /**
   * Prepares the run's data set under {@code <output>/data}, or opens it where it is there and
   * nothing that decides its content has changed.
   *
   * @param ownership called before anything becomes visible; throws where the run is no longer ours
   * @throws CollimateException (data) where no row or too few rows can be used, (usage) where an
   *     input is missing or the folder holds another data set
   */
  public static PreparedData run(SparkSession session, RunConfig config, Runnable ownership)
      throws IOException {
    return new Prepare(session, config, MAX_SHARD_ROWS).run(ownership);
  }

  /** As {@link #run}, with smaller shards. */
  static PreparedData run(
      SparkSession session, RunConfig config, Runnable ownership, int maxShardRows)
      throws IOException {
    return new Prepare(session, config, maxShardRows).run(ownership);
  }

  private PreparedData run(Runnable ownership) throws IOException {
    Path folder = new Path(config.output(), FOLDER);
    SortedMap<String, String> identity = identity();
    Optional<PreparedData> present = PreparedData.openIfPresent(folder, configuration);
    if (present.isPresent()) {
      requireSame(folder, present.get().index().inputs(), identity);
      log.info("Data set {} is prepared", folder);
      return present.get();
    }
    try (Publication publication =
        new Publication(folder, PreparedData.INDEX, configuration, ownership)) {
      PreparedData.Index index = prepare(publication, identity);
      publication.commit(files -> index.toJson());
      log.info(
          "Data set {}: {} rows read, {} refused",
          folder,
          index.accounting().read(),
          index.accounting().refused());
      return new PreparedData(folder.toString(), index);
    } catch (Exception e) {
      throw SparkFailure.of("prepare", e);
    }
  }

  private PreparedData.Index prepare(Publication publication, SortedMap<String, String> identity)
      throws IOException {
    JavaPairRDD<String, byte[]> met = checkedRows();
    PlaceRows places = placing;
    Tally tally =
        Tally.ofBytes(
            met.mapPartitions(rows -> List.of(tallied(places, rows)).iterator())
                .reduce((one, other) -> Tally.ofBytes(one).merge(Tally.ofBytes(other)).toBytes()));
    Accounting accounting = tally.accounting(inputs.stream().map(Input::name).toList());
    requireUsable(tally, accounting);
    List<String> roles =
        new ArrayList<>(List.of(tally.roles().keySet().iterator().next().split(" ")));
    if (mismatches) {
      roles.add(Declaration.MISMATCHED);
    }
    List<String> marked =
        preparers.settings().columns().marks().stream().map(TokenMarks::role).toList();
    ShardSchema schema = new ShardSchema(roles, tally.scalars(), marked);
    JavaPairRDD<String, byte[]> placed = met.mapPartitionsToPair(rows -> placedRows(places, rows));
    ShardBounds bounds = bounds(placed, accounting, rowsPerShard(tally, accounting));
    WriteShard writing =
        new WriteShard(
            publication.workspace().toString(),
            schema,
            bounds,
            spark.broadcast(tally.lineNumbers()),
            tally.categories(),
            preparers.settings(),
            preparers.configuration());
    List<byte[]> results =
        (mismatches ? placed.union(mismatched(met)) : placed)
            .repartitionAndSortWithinPartitions(bounds)
            .mapPartitionsWithIndex(
                (shard, rows) -> List.of(writing.write(shard, rows)).iterator(),
                /* preservesPartitioning= */ true)
            .collect();
    ShardFiles files = new ShardFiles(publication, configuration);
    for (byte[] result : results) {
      files.add((WriteShard.Result) Tally.objectOf(result));
    }
    files.removeOthers();
    requireComplete(accounting, files);
    return new PreparedData.Index(
        PreparedData.formatVersion(),
        identity,
        schema.roles(),
        schema.scalars(),
        schema.marked(),
        tally.categories().sizes(),
        files.of(PlaceRows.Place.TRAIN),
        files.of(PlaceRows.Place.EVAL),
        files.of(PlaceRows.Place.LEFT_OUT).stream()
            .map(shard -> new PublishedFile(shard.file(), shard.bytes(), shard.sha256()))
            .toList(),
        accounting);
  }

  /** Completions of other prompts for the rows of both splits. */
  private JavaPairRDD<String, byte[]> mismatched(JavaPairRDD<String, byte[]> met) {
    String held = config.data().eval().isEmpty() ? "data.eval_fraction" : "data.eval";
    return MismatchedRows.of(spark, met, placing, PlaceRows.Place.TRAIN, "data.train")
        .union(MismatchedRows.of(spark, met, placing, PlaceRows.Place.EVAL, held));
  }

  /** All rows, checked, where rows of one key meet in input order. */
  private JavaPairRDD<String, byte[]> checkedRows() {
    boolean inputOrder = !config.data().shuffle();
    List<JavaRDD<InputRow>> rows =
        inputs.stream().map(input -> input.rows(session, inputOrder)).toList();
    tryFirstRows(rows);
    CheckRows check = new CheckRows(preparers, config.data().train().size());
    JavaPairRDD<String, byte[]> checked = null;
    for (JavaRDD<InputRow> ofInput : rows) {
      JavaPairRDD<String, byte[]> pairs = ofInput.mapPartitionsToPair(check);
      checked = checked == null ? pairs : checked.union(pairs);
    }
    int partitions = Math.max(checked.getNumPartitions(), spark.defaultParallelism());
    return checked.repartitionAndSortWithinPartitions(new MeetingPoint(partitions));
  }

  /**
   * What would stop every row, such as a model without a tokenizer, stops here: where a task meets
   * it, Spark prints the task's stack trace and tries it again.
   */
  private void tryFirstRows(List<JavaRDD<InputRow>> inputs) {
    try (PreparerSource.Open opened = preparers.open()) {
      for (JavaRDD<InputRow> rows : inputs) {
        for (InputRow row : rows.take(1)) {
          if (row instanceof InputRow.Columns columns) {
            columns.prepare(opened.preparer());
          }
        }
      }
    }
  }

  private static byte[] tallied(PlaceRows placing, Iterator<Tuple2<String, byte[]>> rows) {
    Tally tally = new Tally();
    placing.place(rows).forEachRemaining(row -> tally.add(row.row(), row.place()));
    return tally.toBytes();
  }

  private static Iterator<Tuple2<String, byte[]>> placedRows(
      PlaceRows placing, Iterator<Tuple2<String, byte[]>> rows) {
    Iterator<PlaceRows.Placed> placed = placing.place(rows);
    Iterable<PlaceRows.Placed> iterable = () -> placed;
    return StreamSupport.stream(iterable.spliterator(), false)
        .filter(row -> row.place() != PlaceRows.Place.NOWHERE)
        .map(row -> new Tuple2<>(placing.sortKey(row), RowCodec.encode(row.row())))
        .iterator();
  }

  /** The first sort key of every shard: exact, since all keys are sorted and counted. */
  private ShardBounds bounds(
      JavaPairRDD<String, byte[]> placed, Accounting accounting, long rowsPerShard) {
    JavaRDD<String> keys = placed.keys().persist(StorageLevel.MEMORY_AND_DISK());
    try {
      long train = accounting.sources().stream().mapToLong(Accounting.Source::train).sum();
      long eval = accounting.sources().stream().mapToLong(Accounting.Source::eval).sum();
      List<String> firstKeys =
          keys.sortBy(key -> key, /* ascending= */ true, keys.getNumPartitions())
              .zipWithIndex()
              .filter(entry -> isFirstOfShard(entry._1(), entry._2(), train, eval, rowsPerShard))
              .keys()
              .collect();
      return new ShardBounds(firstKeys);
    } finally {
      keys.unpersist();
    }
  }

  private static boolean isFirstOfShard(
      String sortKey, long rank, long train, long eval, long rowsPerShard) {
    return switch (PlaceRows.placeOf(sortKey)) {
      case TRAIN -> rank % rowsPerShard == 0;
      case EVAL -> (rank - train) % rowsPerShard == 0;
      case LEFT_OUT -> (rank - train - eval) % MAX_SHARD_ROWS == 0;
      case NOWHERE -> false;
    };
  }

  /** Depends on the rows alone, never on the cluster. */
  private long rowsPerShard(Tally tally, Accounting accounting) {
    long rows =
        accounting.sources().stream().mapToLong(source -> source.train() + source.eval()).sum();
    long sequences = mismatches ? 2 : 1;
    long tokensPerRow = Math.max(1, sequences * tally.tokens() / rows);
    return Math.max(1, Math.min(maxShardRows, MAX_SHARD_TOKENS / tokensPerRow));
  }

  private void requireUsable(Tally tally, Accounting accounting) {
    DataConfig data = config.data();
    requireUsable("data.train", 0, data.train().size(), tally, accounting);
    if (!data.eval().isEmpty()) {
      requireUsable("data.eval", data.train().size(), inputs.size(), tally, accounting);
    }
    List<Accounting.Source> sources = accounting.sources();
    if (sources.stream().mapToLong(Accounting.Source::train).sum() == 0) {
      throw CollimateException.data("data.train: no row is left to train on: " + sources);
    }
    if (data.evalFraction() > 0 && sources.stream().allMatch(source -> source.eval() == 0)) {
      throw CollimateException.data(
          "data.eval_fraction: %s of %d rows holds out none; give a larger fraction or data.eval"
              .formatted(data.evalFraction(), accounting.read()));
    }
    tally.categories().requireFew();
    if (tally.roles().size() > 1) {
      Tally.LineNumbers lines = tally.lineNumbers();
      List<String> shapes = new ArrayList<>();
      tally.roles().forEach((roles, origin) -> shapes.add(roles + " in " + lines.place(origin)));
      throw CollimateException.data(
          "data: rows have different shapes (%s); one run takes one shape"
              .formatted(String.join(", ", shapes)));
    }
  }

  private void requireUsable(
      String key, int firstSource, int endSource, Tally tally, Accounting accounting) {
    List<Accounting.Source> sources = accounting.sources().subList(firstSource, endSource);
    long read = sources.stream().mapToLong(Accounting.Source::read).sum();
    if (read == 0) {
      throw CollimateException.data(
          "%s: there are no rows in %s"
              .formatted(
                  key,
                  String.join(
                      ", ", sources.stream().map(source -> "'" + source.name() + "'").toList())));
    }
    long refused = sources.stream().mapToLong(Accounting.Source::refused).sum();
    long made = sources.stream().mapToLong(Accounting.Source::made).sum();
    if (refused > config.data().maxBadRows() * made) {
      throw CollimateException.data(
          "%s: %d of %d rows cannot be used, data.max_bad_rows allows %s of them: %s"
              .formatted(
                  key,
                  refused,
                  made,
                  config.data().maxBadRows(),
                  tally.refusals(firstSource, endSource)));
    }
    if (sources.stream().allMatch(source -> source.train() + source.eval() == 0)) {
      throw CollimateException.data(
          "%s: none of %d rows can be used: %s"
              .formatted(key, made, tally.leftOut(firstSource, endSource)));
    }
  }

  /** The files hold what was counted, row by row. */
  private static void requireComplete(Accounting accounting, ShardFiles files) {
    long written =
        files.rows(PlaceRows.Place.TRAIN)
            + files.rows(PlaceRows.Place.EVAL)
            + files.rows(PlaceRows.Place.LEFT_OUT);
    if (written != accounting.made()
        || !accounting.sources().stream().allMatch(Accounting.Source::addsUp)) {
      throw new CollimateException(
          CollimateException.Kind.INTERNAL,
          "Prepared %d rows of %d; an input changed while it was read, or this is a fault of Collimate: %s"
              .formatted(written, accounting.made(), accounting));
    }
  }

  private SortedMap<String, String> identity() {
    SortedMap<String, String> identity = new TreeMap<>();
    for (Input input : inputs) {
      identity.put(input.key(), input.fingerprint(session));
    }
    DataConfig data = config.data();
    identity.put("data.shuffle", data.shuffle() ? "true, seed " + config.seed() : "false");
    identity.put("data.eval_fraction", Double.toString(data.evalFraction()));
    if (mismatches) {
      identity.put("mismatched completions", "the next of another prompt, by content");
    }
    identity.put("preparation", preparers.settingsIdentity());
    identity.put("tokenizer", preparers.tokenizerHash());
    identity.put("shard rows", Integer.toString(maxShardRows));
    return identity;
  }

  private static void requireSame(
      Path folder, SortedMap<String, String> stored, SortedMap<String, String> wanted) {
    TreeMap<String, String> names = new TreeMap<>(stored);
    names.putAll(wanted);
    List<String> differences =
        names.keySet().stream()
            .filter(name -> !Objects.equals(stored.get(name), wanted.get(name)))
            .map(name -> "%s was '%s', is '%s'".formatted(name, stored.get(name), wanted.get(name)))
            .toList();
    if (!differences.isEmpty()) {
      throw CollimateException.usage(
          "output: '%s' holds another data set (%s); choose another output or delete that folder"
              .formatted(folder, String.join("; ", differences)));
    }
  }
}
