package dev.collimate.inference;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.from_json;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.to_json;

import dev.collimate.CollimateException;
import dev.collimate.config.Source;
import dev.collimate.data.OrderedRows;
import dev.collimate.data.SparkFailure;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.types.StructType;
import scala.Tuple2;

/**
 * Rows chosen and extended by expressions of Spark SQL. A row that is kept keeps its columns as
 * they are, to the letter, and its place; columns that are added follow.
 */
public final class SelectRows {

  private static final String NUMBER = "__collimate_row";
  private static final String TEXT = "__collimate_text";
  private static final String COLUMNS = "__collimate_columns";
  private static final String PLACE = "__collimate_place";

  private SelectRows() {}

  /**
   * The best rows of each group.
   *
   * @param count how many
   * @param by expression of which the greatest are best; rows without a value come last, equal ones
   *     in the order of the input
   * @param per column or expression that makes the groups; empty for one group
   */
  public record Top(int count, String by, Optional<String> per) {
    public Top {
      if (count < 1) {
        throw CollimateException.usage("--top: must be >= 1, got " + count);
      }
    }
  }

  /**
   * What is done, in this order.
   *
   * @param with columns to add, expressions by name; later ones may read earlier ones
   * @param where keeps the rows for which it is true
   * @param drop columns to leave out
   */
  public record Selection(
      Map<String, String> with, Optional<String> where, Optional<Top> top, List<String> drop) {

    public Selection {
      with = new LinkedHashMap<>(with);
      drop = List.copyOf(drop);
    }
  }

  /**
   * Selects.
   *
   * @return facts by name
   * @throws CollimateException (usage) where an expression cannot be read, or a column is there
   *     already; (data) where no row is left
   */
  public static Map<String, Object> run(
      SparkSession session, Source data, Selection selection, String output) throws IOException {
    RowOutput results = new RowOutput(session, output);
    try (OrderedRows rows = OrderedRows.read(session, "--data", data)) {
      JavaRDD<String> selected;
      try {
        selected = selected(session, rows, selection);
      } catch (Exception e) {
        throw SparkFailure.of("selecting rows", e);
      }
      try (OrderedRows kept = OrderedRows.of(selected)) {
        if (kept.count() == 0) {
          throw CollimateException.data("--data: no row is selected, of " + rows.count());
        }
        results.write(kept);
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("rows_read", rows.count());
        facts.put("rows", kept.count());
        return facts;
      }
    }
  }

  private static JavaRDD<String> selected(
      SparkSession session, OrderedRows rows, Selection selection) {
    Dataset<Row> table = table(session, rows);
    List<Column> added = new ArrayList<>();
    for (Map.Entry<String, String> column : selection.with().entrySet()) {
      if (List.of(table.columns()).contains(column.getKey())) {
        throw CollimateException.usage(
            "--with: there is a column '%s' already; choose another name"
                .formatted(column.getKey()));
      }
      table =
          checked("--with", column.getValue(), table, (t, e) -> t.withColumn(column.getKey(), e));
      added.add(col("`" + column.getKey() + "`"));
    }
    if (selection.where().isPresent()) {
      table = checked("--where", selection.where().get(), table, Dataset::where);
    }
    if (selection.top().isPresent()) {
      table = best(table, selection.top().get());
    }
    Column values = added.isEmpty() ? lit("{}") : to_json(struct(added.toArray(Column[]::new)));
    List<String> drop = selection.drop();
    return table
        .select(col(NUMBER), col(TEXT), values)
        .javaRDD()
        .mapToPair(row -> new Tuple2<>(row.getLong(0), row(row.getString(1), row.getString(2))))
        .sortByKey()
        .values()
        .map(row -> without(row, drop));
  }

  /** The rows with their columns as Spark reads them, their text and their number. */
  private static Dataset<Row> table(SparkSession session, OrderedRows rows) {
    Dataset<String> texts =
        session.createDataset(
            rows.pieces().values().map(text -> OrderedRows.json(OrderedRows.row(text))).rdd(),
            Encoders.STRING());
    Dataset<Row> numbered =
        session
            .createDataset(
                rows.pieces()
                    .map(row -> new Tuple2<>(row._1(), OrderedRows.json(OrderedRows.row(row._2()))))
                    .rdd(),
                Encoders.tuple(Encoders.LONG(), Encoders.STRING()))
            .toDF(NUMBER, TEXT);
    StructType columns = session.read().json(texts).schema();
    return numbered
        .withColumn(COLUMNS, from_json(col(TEXT), columns))
        .select(NUMBER, TEXT, COLUMNS + ".*");
  }

  private static Dataset<Row> best(Dataset<Row> table, Top top) {
    Column group = expr(top.per().orElse("1"));
    Dataset<Row> ranked =
        checked(
            "--by",
            top.by(),
            table,
            (t, by) ->
                t.withColumn(
                    PLACE,
                    row_number()
                        .over(
                            Window.partitionBy(group)
                                .orderBy(by.desc_nulls_last(), col(NUMBER).asc()))));
    return ranked.where(col(PLACE).leq(top.count()));
  }

  /** What an expression does to a table. */
  private interface Step {
    Dataset<Row> apply(Dataset<Row> table, Column expression);
  }

  private static Dataset<Row> checked(
      String option, String expression, Dataset<Row> table, Step step) {
    try {
      return step.apply(table, expr(expression));
    } catch (Exception e) {
      // Scala does not declare that it throws Spark's checked AnalysisException.
      if (e instanceof AnalysisException) {
        throw new CollimateException(
            CollimateException.Kind.USAGE,
            "%s: '%s' is no expression over these rows: %s"
                .formatted(option, expression, e.getMessage().lines().findFirst().orElse("")),
            e);
      }
      throw e;
    }
  }

  private static String row(String text, String added) {
    Map<String, Object> row = OrderedRows.read(text);
    row.putAll(OrderedRows.read(added));
    return OrderedRows.json(row);
  }

  private static String without(String row, List<String> drop) {
    if (drop.isEmpty()) {
      return row;
    }
    Map<String, Object> kept = OrderedRows.read(row);
    drop.forEach(kept::remove);
    return OrderedRows.json(kept);
  }
}
