package dev.collimate.data;

import static org.apache.spark.sql.functions.col;

import dev.collimate.CollimateException;
import dev.collimate.config.Source;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * One source of rows, read by Spark. JSON is read as lines and parsed here, so that a malformed
 * line is a row with a fault, not a row of nulls.
 *
 * @param key what names the source, for messages: {@code data.train.0}, or an option
 * @param number index in {@code data.train} followed by {@code data.eval}
 */
record Input(String key, int number, Source source) {

  private static final String JSON = "json";
  private static final Set<String> FILE_FORMATS = Set.of(JSON, "parquet", "orc", "avro", "csv");

  /** Options of Spark's JSON source that say which files are read, not how. */
  private static final Set<String> JSON_OPTIONS =
      Set.of("pathglobfilter", "recursivefilelookup", "modifiedbefore", "modifiedafter");

  /** Options of Spark's CSV source that Collimate sets itself. */
  private static final Set<String> CSV_OWN = Set.of("mode", "columnnameofcorruptrecord");

  private static final String FILE = "__collimate_file";
  private static final String BLOCK = "__collimate_block";
  private static final String MALFORMED = "__collimate_malformed";

  /** The path or table. */
  String name() {
    return source.path().or(source::table).orElseThrow();
  }

  /**
   * The rows, in tasks as Spark splits the input.
   *
   * @param inputOrder whether the order of the rows decides the order of training
   * @throws CollimateException (usage) where there is no such path, table, column or format
   */
  JavaRDD<InputRow> rows(SparkSession spark, boolean inputOrder) {
    try {
      if (source.table().isPresent()) {
        return table(spark, inputOrder);
      }
      requirePath(spark.sparkContext().hadoopConfiguration());
      String format = format(spark.sparkContext().hadoopConfiguration());
      return switch (format) {
        case JSON -> jsonLines(spark);
        case "csv" -> numbered(csv(spark), MALFORMED);
        default -> numbered(reader(spark, format).load(name()), "");
      };
    } catch (Exception e) {
      // Scala does not declare that it throws Spark's checked AnalysisException.
      if (e instanceof AnalysisException) {
        throw new CollimateException(
            CollimateException.Kind.USAGE,
            "%s: cannot read '%s': %s".formatted(key, name(), firstLine(e.getMessage())),
            e);
      }
      throw e;
    }
  }

  /** A key of the source, or the option of a command that stands for it. */
  private String key(String name) {
    boolean isOption = key.startsWith("--");
    return isOption ? (name.equals("path") ? key : "--" + name) : key + "." + name;
  }

  private JavaRDD<InputRow> jsonLines(SparkSession spark) {
    for (String option : source.options().keySet()) {
      if (!JSON_OPTIONS.contains(option.toLowerCase(Locale.ROOT))) {
        throw CollimateException.usage(
            "%s: '%s' is not supported for json, which is read as one object per line; accepted are %s"
                .formatted(
                    key("options"),
                    option,
                    "pathGlobFilter, recursiveFileLookup, modifiedBefore, modifiedAfter"));
      }
    }
    Dataset<Row> lines = reader(spark, "text").load(name());
    // Columns besides the line come from the folders' names (dt=2024-01-01).
    List<Column> columns = new ArrayList<>();
    columns.add(col("value").cast(DataTypes.BinaryType));
    columns.add(col("_metadata.file_path").as(FILE));
    columns.add(col("_metadata.file_block_start").as(BLOCK));
    String[] partitions =
        Arrays.stream(lines.columns()).filter(name -> !name.equals("value")).toArray(String[]::new);
    for (String partition : partitions) {
      columns.add(col("`" + partition + "`"));
    }
    int numberOfSource = number;
    return lines
        .select(columns.toArray(Column[]::new))
        .javaRDD()
        .mapPartitions(rows -> new InputRows.Lines(numberOfSource, rows));
  }

  private Dataset<Row> csv(SparkSession spark) {
    source.options().forEach(this::requireCsvOption);
    DataFrameReader reader =
        spark
            .read()
            .format("csv")
            .option("header", "true")
            .option("multiLine", "true")
            .option("escape", "\"")
            .options(source.options());
    Dataset<Row> first = reader.load(name());
    StructType schema = first.schema();
    return reader
        // Else files after the first are read by position, also where their columns stand in
        // another order.
        .option("enforceSchema", Boolean.toString(first.inputFiles().length == 1))
        .option("mode", "PERMISSIVE")
        .option("columnNameOfCorruptRecord", MALFORMED)
        .schema(schema.add(MALFORMED, DataTypes.StringType))
        .load(name());
  }

  private void requireCsvOption(String option, String value) {
    String name = option.toLowerCase(Locale.ROOT);
    if (CSV_OWN.contains(name)) {
      throw CollimateException.usage(
          "%s: '%s' is not supported for csv; lines that are no rows go to quarantine"
              .formatted(key("options"), option));
    }
    if (name.equals("enforceschema") && !value.equalsIgnoreCase("false")) {
      throw CollimateException.usage(
          "%s: '%s' must be false, got '%s'; columns are known by the header"
              .formatted(key("options"), option, value));
    }
  }

  private JavaRDD<InputRow> numbered(Dataset<Row> rows, String malformedColumn) {
    int numberOfSource = number;
    return rows.select(
            col("*"),
            col("_metadata.file_path").as(FILE),
            col("_metadata.file_block_start").as(BLOCK))
        .javaRDD()
        .mapPartitions(
            part -> new InputRows.Numbered(numberOfSource, part, FILE, BLOCK, malformedColumn));
  }

  private JavaRDD<InputRow> table(SparkSession spark, boolean inputOrder) {
    Dataset<Row> rows = table(spark);
    int numberOfSource = number;
    String table = name();
    if (source.orderBy().isEmpty()) {
      if (inputOrder) {
        throw CollimateException.usage(
            "%s: missing; the table '%s' has no order of its own, and data.shuffle false trains in input order"
                .formatted(key("order_by"), table));
      }
      return rows.javaRDD()
          .mapPartitionsWithIndex(
              (block, part) -> new InputRows.OfTable(numberOfSource, table, block, part),
              /* preservesPartitioning= */ true);
    }
    List<Column> order = new ArrayList<>();
    source.orderBy().forEach(column -> order.add(col(column)));
    // Rows equal in these columns are told apart by all their content, never by chance.
    order.add(functions.to_json(functions.struct(col("*"))));
    return rows.orderBy(order.toArray(Column[]::new))
        .javaRDD()
        .zipWithIndex()
        .map(
            row ->
                new InputRow.Columns(
                    new RowOrigin(numberOfSource, table, 0, row._2()), RowValues.of(row._1())));
  }

  private Dataset<Row> table(SparkSession spark) {
    try {
      return spark.read().options(source.options()).table(name());
    } catch (Exception e) {
      if (e instanceof AnalysisException) {
        boolean isHive =
            spark.conf().get("spark.sql.catalogImplementation", "in-memory").equals("hive");
        throw new CollimateException(
            CollimateException.Kind.USAGE,
            "%s: cannot read '%s': %s%s"
                .formatted(
                    key("table"),
                    name(),
                    firstLine(e.getMessage()),
                    isHive
                        ? ""
                        : "; for a Hive metastore set spark.sql.catalogImplementation=hive"),
            e);
      }
      throw e;
    }
  }

  private DataFrameReader reader(SparkSession spark, String format) {
    return spark.read().format(format).options(source.options());
  }

  /** The format given, or the one that the ending of the first file says. */
  private String format(Configuration configuration) {
    String format =
        source
            .format()
            .map(given -> given.toLowerCase(Locale.ROOT))
            .orElseGet(() -> ending(configuration));
    if (!FILE_FORMATS.contains(format)) {
      throw CollimateException.usage(
          "%s: '%s' is not supported; accepted are json, parquet, orc, avro and csv, or a table"
              .formatted(key("format"), format));
    }
    return format;
  }

  private String ending(Configuration configuration) {
    String first = firstFile(configuration);
    String name = first.replaceFirst("\\.(gz|bz2|zst|zstd|snappy|lz4|deflate)$", "");
    String ending = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    if (Set.of("jsonl", "ndjson").contains(ending)) {
      return JSON;
    }
    if (!FILE_FORMATS.contains(ending)) {
      throw CollimateException.usage(
          "%s: missing, and the ending of '%s' does not say it; accepted are json, parquet, orc, avro and csv"
              .formatted(key("format"), first));
    }
    return ending;
  }

  private String firstFile(Configuration configuration) {
    try {
      Path path = new Path(name());
      FileSystem fileSystem = path.getFileSystem(configuration);
      FileStatus status = fileSystem.globStatus(path)[0];
      while (status.isDirectory()) {
        status =
            Arrays.stream(fileSystem.listStatus(status.getPath()))
                .filter(entry -> !entry.getPath().getName().matches("[._].*"))
                .sorted()
                .findFirst()
                .orElseThrow(
                    () ->
                        CollimateException.usage(
                            "%s: the folder '%s' has no files".formatted(key("path"), name())));
      }
      return status.getPath().getName();
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  private void requirePath(Configuration configuration) {
    try {
      Path path = new Path(name());
      FileStatus[] found = path.getFileSystem(configuration).globStatus(path);
      if (found == null || found.length == 0) {
        throw CollimateException.usage(
            "%s: there is no file or folder '%s'".formatted(key("path"), name()));
      }
    } catch (IOException | IllegalArgumentException e) {
      throw unreadable(e);
    }
  }

  /**
   * What tells this input from another: its settings, and length and time of its files. The rows of
   * a table without files are not looked at.
   */
  String fingerprint(SparkSession spark) {
    Configuration configuration = spark.sparkContext().hadoopConfiguration();
    if (source.path().isPresent()) {
      requirePath(configuration);
    }
    Dataset<Row> rows =
        source.table().isPresent() ? table(spark) : reader(spark, "text").load(name());
    String[] files = rows.inputFiles();
    Arrays.sort(files);
    StringBuilder text = new StringBuilder(settings()).append('\n');
    long bytes = 0;
    try {
      for (String file : files) {
        Path path = InputRows.path(file);
        FileStatus status = path.getFileSystem(configuration).getFileStatus(path);
        bytes += status.getLen();
        text.append(file)
            .append('\t')
            .append(status.getLen())
            .append('\t')
            .append(status.getModificationTime())
            .append('\n');
      }
    } catch (IOException e) {
      throw unreadable(e);
    }
    return "%s, %d files, %d bytes, %s"
        .formatted(name(), files.length, bytes, Digest128.of(text.toString()).hex());
  }

  private String settings() {
    return String.join(
        "\t",
        name(),
        source.format().orElse(""),
        new java.util.TreeMap<>(Map.copyOf(source.options())).toString(),
        source.orderBy().toString());
  }

  private CollimateException unreadable(Exception e) {
    return new CollimateException(
        CollimateException.Kind.USAGE,
        "%s: cannot read '%s': %s".formatted(key, name(), firstLine(e.getMessage())),
        e);
  }

  private static String firstLine(String message) {
    return String.valueOf(message).lines().findFirst().orElse("");
  }
}
