package dev.collimate.inference;

import static org.apache.spark.sql.functions.avg;
import static org.apache.spark.sql.functions.col;
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
 * How often a reward model gives a pair's chosen side the higher reward, as RewardBench counts it:
 * over all rows, and by the column {@code category} or {@code subset} with the mean over its
 * values.
 */
public final class PairAccuracy {

  private static final String CHOSEN = "chosen_" + Score.REWARD;
  private static final String REJECTED = "rejected_" + Score.REWARD;
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
    if (!isNumber(rows, CHOSEN) || !isNumber(rows, REJECTED)) {
      return facts;
    }
    Column accuracy = avg(when(col(CHOSEN).gt(col(REJECTED)), 1.0).otherwise(0.0));
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
    return facts;
  }

  private static boolean has(Dataset<Row> rows, String name) {
    return Stream.of(rows.columns()).anyMatch(name::equals);
  }

  private static boolean isNumber(Dataset<Row> rows, String name) {
    return has(rows, name)
        && List.of("double", "float").contains(rows.schema().apply(name).dataType().typeName());
  }
}
