package dev.collimate.inference;

import dev.collimate.CollimateException;
import dev.collimate.config.Source;
import dev.collimate.data.OrderedRows;
import dev.collimate.data.SparkFailure;
import dev.collimate.inference.FeatureReward.Fitted;
import dev.collimate.inference.LogisticFit.Penalty;
import dev.collimate.storage.Storage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;

/**
 * Rewards from named features of answers: fitted to pairs on the driver, since a pair is a few
 * numbers, and given to rows on the executors. The features of a pair's sides stand in columns
 * {@code chosen_NAME} and {@code rejected_NAME}, of another row in {@code NAME}.
 */
public final class Features {

  private static final int SHOWN = 3;

  private Features() {}

  /**
   * How a reward is fitted.
   *
   * @param hidden units of a network's one layer; 0: the reward is linear
   * @param isSparse whether useless features are to have no weight (l1) instead of little (l2)
   * @param c inverse strength of the penalty; empty: the best of twelve in an eightfold
   *     cross-validation; of a network none
   * @param isMonotone whether no feature may lower the reward
   * @param seed of a network's first weights
   */
  public record Settings(
      int hidden, boolean isSparse, OptionalDouble c, boolean isMonotone, long seed) {

    public Settings {
      if (hidden < 0) {
        throw CollimateException.usage("--hidden: must be >= 0, got " + hidden);
      }
      if (c.isPresent() && !(c.getAsDouble() > 0 && Double.isFinite(c.getAsDouble()))) {
        throw CollimateException.usage("--c: must be > 0, got " + c.getAsDouble());
      }
      if (hidden > 0 && isSparse) {
        throw CollimateException.usage("--sparse: has no effect with --hidden; leave it out");
      }
    }
  }

  /**
   * Fits a reward.
   *
   * @param data pairs; those without a number for every feature are left out and counted
   * @param model where the reward goes, a JSON file; must not exist
   * @return facts by name
   */
  public static Map<String, Object> fit(
      SparkSession session, Source data, List<String> features, Settings settings, String model)
      throws IOException {
    Configuration configuration = session.sparkContext().hadoopConfiguration();
    Path path = new Path(model);
    Storage storage = Storage.of(path, configuration);
    if (storage.exists(path)) {
      throw CollimateException.usage(
          "--output: '%s' exists; nothing is overwritten, choose another".formatted(model));
    }
    List<String> names = List.copyOf(features);
    long read;
    List<double[]> pairs;
    try (OrderedRows rows = OrderedRows.read(session, "--data", data)) {
      read = rows.count();
      pairs =
          rows.pieces()
              .map(row -> pair(OrderedRows.row(row._2()), names))
              .filter(pair -> pair.length > 0)
              .collect();
    } catch (CollimateException e) {
      throw e;
    } catch (Exception e) {
      throw SparkFailure.of("reading features", e);
    }
    if (pairs.isEmpty()) {
      throw CollimateException.data(
          "--data: no row has a number in every column chosen_NAME and rejected_NAME of "
              + String.join(", ", names));
    }
    double[][] chosen = side(pairs, 0, names.size());
    double[][] rejected = side(pairs, names.size(), names.size());
    Fitted fitted =
        FeatureReward.fit(
            names,
            chosen,
            rejected,
            new FeatureReward.Fit(
                settings.hidden(),
                settings.isSparse() ? Penalty.L1 : Penalty.L2,
                settings.c(),
                settings.isMonotone(),
                settings.seed()));
    storage.replace(path, fitted.reward().toJson());
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("pairs", pairs.size());
    facts.put("rows_left_out", read - pairs.size());
    if (Double.isFinite(fitted.c())) {
      facts.put("c", fitted.c());
    }
    facts.put("accuracy", accuracy(fitted.reward(), chosen, rejected));
    fitted.heldOutAccuracy().ifPresent(held -> facts.put("cross_validated_accuracy", held));
    fitted.reward().weightsByName().ifPresent(weights -> facts.put("weights", weights));
    return facts;
  }

  private static double accuracy(FeatureReward reward, double[][] chosen, double[][] rejected) {
    int right = 0;
    for (int i = 0; i < chosen.length; i++) {
      right += reward.of(chosen[i]) > reward.of(rejected[i]) ? 1 : 0;
    }
    return (double) right / chosen.length;
  }

  /** The features of both sides, one after the other; empty where one is no number. */
  private static double[] pair(Map<String, Object> row, List<String> names) {
    double[] pair = new double[2 * names.size()];
    for (int i = 0; i < pair.length; i++) {
      String side = i < names.size() ? "chosen_" : "rejected_";
      Object value = row.get(side + names.get(i % names.size()));
      if (!RowNumbers.isOne(value)) {
        return new double[0];
      }
      pair[i] = RowNumbers.of(value)[0];
    }
    return pair;
  }

  private static double[][] side(List<double[]> pairs, int from, int count) {
    return pairs.stream()
        .map(pair -> Arrays.copyOfRange(pair, from, from + count))
        .toArray(double[][]::new);
  }

  /**
   * Gives rows their rewards, in the columns of {@link Score}.
   *
   * @param reward a file of {@link #fit}
   * @return number of rows
   * @throws CollimateException (data) where a row lacks a feature; names the first ones
   */
  public static long score(SparkSession session, byte[] reward, Source data, String output)
      throws IOException {
    FeatureReward model = FeatureReward.ofJson("--model", reward);
    RowOutput results = new RowOutput(session, output);
    try (OrderedRows rows = OrderedRows.read(session, "--data", data)) {
      boolean isPair = rows.first().containsKey("chosen_" + model.features().get(0));
      List<String> prefixes = isPair ? List.of("chosen_", "rejected_") : List.of("");
      requireUsable(rows, model, prefixes);
      results.write(rows, () -> new Task(model, prefixes));
      return rows.count();
    }
  }

  private static void requireUsable(OrderedRows rows, FeatureReward model, List<String> prefixes)
      throws IOException {
    List<String> refused;
    try {
      refused =
          rows.pieces()
              .map(row -> objection(row._1(), OrderedRows.row(row._2()), model, prefixes))
              .filter(objection -> !objection.isEmpty())
              .collect();
    } catch (Exception e) {
      throw SparkFailure.of("checking rows", e);
    }
    if (!refused.isEmpty()) {
      throw CollimateException.data(
          "--data: %d of %d rows cannot be used (%s); leave them out of the input"
              .formatted(
                  refused.size(),
                  rows.count(),
                  String.join("; ", refused.subList(0, Math.min(SHOWN, refused.size())))));
    }
  }

  private static String objection(
      long number, Map<String, Object> row, FeatureReward model, List<String> prefixes) {
    List<String> objections = new ArrayList<>();
    for (String prefix : prefixes) {
      if (row.containsKey(prefix + Score.REWARD)) {
        objections.add("has a column '%s%s' already".formatted(prefix, Score.REWARD));
      }
      for (String feature : model.features()) {
        if (!RowNumbers.isOne(row.get(prefix + feature))) {
          objections.add("column '%s%s' holds no number".formatted(prefix, feature));
        }
      }
    }
    return objections.isEmpty() ? "" : "row %d: %s".formatted(number + 1, objections.get(0));
  }

  private record Task(FeatureReward model, List<String> prefixes) implements RowTask {
    @Override
    public List<Map<String, Object>> run(long number, Map<String, Object> row) {
      for (String prefix : prefixes) {
        double[] values =
            model.features().stream()
                .mapToDouble(feature -> RowNumbers.of(row.get(prefix + feature))[0])
                .toArray();
        row.put(prefix + Score.REWARD, model.of(values));
      }
      return List.of(row);
    }

    @Override
    public void close() {}
  }
}
