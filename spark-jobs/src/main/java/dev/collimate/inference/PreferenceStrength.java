package dev.collimate.inference;

import dev.collimate.CollimateException;
import dev.collimate.config.Source;
import dev.collimate.data.OrderedRows;
import dev.collimate.data.SparkFailure;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.commons.math3.stat.descriptive.moment.StandardDeviation;
import org.apache.commons.math3.stat.descriptive.rank.Percentile;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.SparkSession;
import scala.Tuple2;

/**
 * How strong the label of a pair is: mean and deviation, over several reward models, of the chosen
 * side's reward less the rejected one's (Wang et al. 2024, Secrets of RLHF in Large Language Models
 * Part II, arXiv:2401.06080). The objective {@code reward} reads the mean as {@code
 * preference_strength}.
 */
public final class PreferenceStrength {

  static final String STRENGTH = "preference_strength";
  private static final String DEVIATION = "preference_strength_std";
  private static final String CHOSEN = "chosen_" + Score.REWARD;
  private static final String REJECTED = "rejected_" + Score.REWARD;

  private PreferenceStrength() {}

  /** A row that the model of this number scored. */
  private record Scored(int model, String row) implements Serializable {}

  /**
   * Joins what several reward models gave the same rows, by their order.
   *
   * @param scores the outputs of {@code score --reward} on one file, a model each; at least two
   * @param output gets the rows without their rewards, with {@code preference_strength} and {@code
   *     preference_strength_std}
   * @return facts by name
   * @throws CollimateException (usage) where there are fewer than two, (data) where the files' rows
   *     are not the same, or have no pairs' rewards
   */
  public static Map<String, Object> run(SparkSession session, List<Source> scores, String output)
      throws IOException {
    if (scores.size() < 2) {
      throw CollimateException.usage(
          "--scores: must be given at least twice, an ensemble has several models");
    }
    RowOutput results = new RowOutput(session, output);
    List<OrderedRows> opened = new ArrayList<>();
    try {
      JavaPairRDD<Long, Scored> all = null;
      for (int model = 0; model < scores.size(); model++) {
        OrderedRows rows = OrderedRows.read(session, "--scores", scores.get(model));
        opened.add(rows);
        requireAsMany(scores, model, opened);
        int number = model;
        JavaPairRDD<Long, Scored> ofModel =
            rows.pieces().mapValues(text -> new Scored(number, text));
        all = all == null ? ofModel : all.union(ofModel);
      }
      List<String> names = scores.stream().map(source -> source.path().orElseThrow()).toList();
      JavaRDD<String> joined =
          all.groupByKey()
              .mapToPair(row -> new Tuple2<>(row._1(), joined(row._1(), row._2(), names)))
              .sortByKey()
              .values();
      try (OrderedRows rows = OrderedRows.of(joined)) {
        results.write(rows);
        return facts(joined, scores.size());
      }
    } finally {
      opened.forEach(OrderedRows::close);
    }
  }

  private static void requireAsMany(List<Source> scores, int model, List<OrderedRows> opened) {
    if (opened.get(model).count() != opened.get(0).count()) {
      throw CollimateException.data(
          "--scores: '%s' has %d rows, '%s' has %d; all models score the same file"
              .formatted(
                  scores.get(model).path().orElseThrow(),
                  opened.get(model).count(),
                  scores.get(0).path().orElseThrow(),
                  opened.get(0).count()));
    }
  }

  private static String joined(long number, Iterable<Scored> ofRow, List<String> names) {
    List<Scored> scored = new ArrayList<>();
    ofRow.forEach(scored::add);
    scored.sort(Comparator.comparingInt(Scored::model));
    Map<String, Object> first = null;
    double[] differences = new double[scored.size()];
    for (int model = 0; model < differences.length; model++) {
      Map<String, Object> row = OrderedRows.row(scored.get(model).row());
      Object chosen = row.remove(CHOSEN);
      Object rejected = row.remove(REJECTED);
      if (!RowNumbers.isOne(chosen) || !RowNumbers.isOne(rejected)) {
        throw CollimateException.data(
            "--scores: row %d of '%s' has no numbers '%s' and '%s'; score --reward writes them for pairs"
                .formatted(number + 1, names.get(model), CHOSEN, REJECTED));
      }
      if (first == null) {
        first = row;
      } else if (!first.equals(row)) {
        throw CollimateException.data(
            "--scores: row %d of '%s' is not that of '%s'; all models score the same file"
                .formatted(number + 1, names.get(model), names.get(0)));
      }
      differences[model] = RowNumbers.of(chosen)[0] - RowNumbers.of(rejected)[0];
    }
    for (String added : Set.of(STRENGTH, DEVIATION)) {
      if (first.containsKey(added)) {
        throw CollimateException.usage(
            "--scores: row %d has a column '%s', which the output adds; rename or drop it"
                .formatted(number + 1, added));
      }
    }
    first.put(STRENGTH, Arrays.stream(differences).sum() / differences.length);
    first.put(DEVIATION, new StandardDeviation(/* isBiasCorrected= */ false).evaluate(differences));
    return OrderedRows.json(first);
  }

  /** What helps to choose {@code flip_below}: how many labels all models together contradict. */
  private static Map<String, Object> facts(JavaRDD<String> joined, int models) throws IOException {
    double[] strengths;
    try {
      strengths =
          joined
              .map(row -> RowNumbers.of(OrderedRows.read(row).get(STRENGTH))[0])
              .collect()
              .stream()
              .mapToDouble(Double::doubleValue)
              .toArray();
    } catch (Exception e) {
      throw SparkFailure.of("joining scores", e);
    }
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("rows", strengths.length);
    facts.put("models", models);
    facts.put(
        "share_below_0",
        (double) Arrays.stream(strengths).filter(strength -> strength < 0).count()
            / strengths.length);
    for (int percent : new int[] {10, 20, 40}) {
      facts.put(
          "strength_at_%d_percent".formatted(percent),
          new Percentile().evaluate(strengths, percent));
    }
    return facts;
  }
}
