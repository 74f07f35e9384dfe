package dev.collimate.inference;

import static org.apache.spark.sql.functions.avg;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.countDistinct;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.greatest;
import static org.apache.spark.sql.functions.least;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.when;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * How often a reward model gives a pair's chosen side the higher reward, or a general preference
 * model prefers it, as RewardBench counts it: over all rows, and by the column {@code category} or
 * {@code subset} with the mean over its values.
 */
public final class PairAccuracy {

  private static final String CHOSEN = "chosen_" + Score.REWARD;
  private static final String REJECTED = "rejected_" + Score.REWARD;

  /** The preference score of a general preference model, from both vectors. */
  private static final String PREFERENCE =
      "aggregate(transform(sequence(0, size(%1$s) - 2, 2), i -> double(%1$s[i] * %2$s[i + 1] - %1$s[i + 1] * %2$s[i])), 0D, (a, b) -> a + b)"
          .formatted(CHOSEN, REJECTED);

  private static final List<String> GROUPS = List.of("category", "subset");

  private PairAccuracy() {}

  /**
   * Counts.
   *
   * @param scored the output of {@link Score} in its detail REWARDS
   * @return facts by name; none where the rows are no pairs, or a response has no single reward
   */
  public static Map<String, Object> of(SparkSession session, String scored) {
    boolean isParquet = scored.toLowerCase(Locale.ROOT).endsWith(".parquet");
    Dataset<Row> rows = isParquet ? session.read().parquet(scored) : session.read().json(scored);
    Map<String, Object> facts = new LinkedHashMap<>();
    boolean isNumber = isNumber(rows, CHOSEN) && isNumber(rows, REJECTED);
    if (!isNumber && !(isVector(rows, CHOSEN) && isVector(rows, REJECTED))) {
      return facts;
    }
    Column isRight = isNumber ? col(CHOSEN).gt(col(REJECTED)) : expr(PREFERENCE).gt(0);
    Column accuracy = avg(when(isRight, 1.0).otherwise(0.0));
    facts.put("accuracy", rows.agg(accuracy).head().getDouble(0));
    Optional<String> group = GROUPS.stream().filter(name -> has(rows, name)).findFirst();
    if (group.isPresent()) {
      Map<String, Double> byGroup = new LinkedHashMap<>();
      Column key = col(group.get());
      for (Row row : rows.groupBy(key).agg(accuracy).orderBy(key).collectAsList()) {
        byGroup.put(String.valueOf(row.get(0)), row.getDouble(1));
      }
      facts.put("accuracy_by_" + group.get(), byGroup);
      facts.put(
          "accuracy_mean",
          byGroup.values().stream().mapToDouble(Double::doubleValue).average().orElseThrow());
    }
    reversals(rows, isRight).ifPresent(both -> facts.put("accuracy_of_reversed_pairs", both));
    return facts;
  }

  /**
   * Of the answers to a prompt that stand in both orders, as a context may turn a preference round,
   * how many are right in both (Pitis et al. 2024, arXiv:2407.14916).
   */
  private static Optional<Double> reversals(Dataset<Row> rows, Column isRight) {
    for (String name : List.of("prompt", "chosen", "rejected")) {
      if (!has(rows, name) || !rows.schema().apply(name).dataType().typeName().equals("string")) {
        return Optional.empty();
      }
    }
    Row found =
        rows.groupBy(
                col("prompt"),
                least(col("chosen"), col("rejected")),
                greatest(col("chosen"), col("rejected")))
            .agg(
                min(when(isRight, 1.0).otherwise(0.0)).as("right"),
                countDistinct(col("chosen")).as("orders"))
            .where(col("orders").equalTo(2))
            .agg(avg(col("right")))
            .head();
    return found.isNullAt(0) ? Optional.empty() : Optional.of(found.getDouble(0));
  }

  private static boolean isVector(Dataset<Row> rows, String name) {
    return has(rows, name)
        && List.of("array<double>", "array<float>")
            .contains(rows.schema().apply(name).dataType().simpleString());
  }

  private static boolean has(Dataset<Row> rows, String name) {
    return Stream.of(rows.columns()).anyMatch(name::equals);
  }

  private static boolean isNumber(Dataset<Row> rows, String name) {
    return has(rows, name)
        && List.of("double", "float").contains(rows.schema().apply(name).dataType().typeName());
  }
}
