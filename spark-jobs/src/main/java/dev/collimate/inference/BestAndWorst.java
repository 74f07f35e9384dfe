package dev.collimate.inference;

import dev.collimate.CollimateException;
import dev.collimate.config.Source;
import dev.collimate.data.OrderedRows;
import dev.collimate.data.SparkFailure;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.SparkSession;
import scala.Tuple2;

/**
 * Pairs of the best and the worst of several answers to a prompt: what the loops that train on a
 * model's own, judged samples learn from. The pairs stand in the order of their prompts.
 */
public final class BestAndWorst {

  private static final String PROMPT = "prompt";
  private static final String COMPLETION = "completion";

  private BestAndWorst() {}

  /** Where an answer stands, and its row. */
  private record Answer(long number, String row) implements java.io.Serializable {}

  /**
   * Makes the pairs.
   *
   * @param data rows with {@code prompt}, {@code completion} and {@code reward}, a number or the
   *     vector of a general preference model
   * @param minGap least difference of both scores; pairs without any are left out in any case
   * @param output gets {@code prompt}, {@code chosen}, {@code rejected}, {@code chosen_score} and
   *     {@code rejected_score}
   * @return facts by name
   * @throws CollimateException (data) where a row has none of these columns
   */
  public static Map<String, Object> run(
      SparkSession session, Source data, double minGap, String output) throws IOException {
    RowOutput results = new RowOutput(session, output);
    try (OrderedRows rows = OrderedRows.read(session, "--data", data)) {
      JavaRDD<String> pairs =
          rows.pieces()
              .mapToPair(BestAndWorst::keyed)
              .groupByKey()
              .mapToPair(group -> pair(group._2(), minGap))
              .sortByKey()
              .values();
      Map<String, Object> facts = new LinkedHashMap<>();
      try {
        facts.put("answers", rows.count());
        facts.put("prompts", pairs.count());
      } catch (Exception e) {
        throw SparkFailure.of("pairing answers", e);
      }
      try (OrderedRows made = OrderedRows.of(pairs.filter(pair -> !pair.isEmpty()))) {
        if (made.count() == 0) {
          throw CollimateException.data(
              "--data: no prompt has two answers whose scores differ by more than 0 and at least %s (--min_gap)"
                  .formatted(minGap));
        }
        results.write(made);
        facts.put("pairs", made.count());
      }
      return facts;
    }
  }

  private static Tuple2<String, Answer> keyed(Tuple2<Long, String> numbered) {
    Map<String, Object> row = OrderedRows.row(numbered._2());
    for (String column : List.of(PROMPT, COMPLETION, Score.REWARD)) {
      if (row.get(column) == null) {
        throw CollimateException.data(
            "--data: row %d has no '%s'; scored answers have prompt, completion and reward"
                .formatted(numbered._1() + 1, column));
      }
    }
    String json = OrderedRows.json(row);
    String key = OrderedRows.json(Map.of(PROMPT, row.get(PROMPT)));
    return new Tuple2<>(key, new Answer(numbered._1(), json));
  }

  /** By the number of the prompt's first answer; empty where there is no pair. */
  private static Tuple2<Long, String> pair(Iterable<Answer> group, double minGap) {
    List<Answer> answers = new ArrayList<>();
    group.forEach(answers::add);
    answers.sort(Comparator.comparingLong(Answer::number));
    List<Map<String, Object>> rows =
        answers.stream().map(answer -> OrderedRows.read(answer.row())).toList();
    List<double[]> rewards = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      double[] reward = RowNumbers.of(rows.get(i).get(Score.REWARD));
      boolean fits = reward.length == 1 || (reward.length > 0 && reward.length % 2 == 0);
      if (!fits || reward.length != (i == 0 ? reward : rewards.get(0)).length) {
        throw CollimateException.data(
            "--data: row %d has the reward %s; a number is expected, or of all answers lists of one even length"
                .formatted(answers.get(i).number() + 1, rows.get(i).get(Score.REWARD)));
      }
      rewards.add(reward);
    }
    double[] standing = Standing.of(rewards);
    int best = 0;
    int worst = 0;
    for (int i = 1; i < standing.length; i++) {
      best = standing[i] > standing[best] ? i : best;
      worst = standing[i] < standing[worst] ? i : worst;
    }
    double gap = standing[best] - standing[worst];
    long first = answers.get(0).number();
    if (!(gap > 0 && gap >= minGap)) {
      return new Tuple2<>(first, "");
    }
    Map<String, Object> pair = new LinkedHashMap<>();
    pair.put(PROMPT, rows.get(best).get(PROMPT));
    pair.put("chosen", rows.get(best).get(COMPLETION));
    pair.put("rejected", rows.get(worst).get(COMPLETION));
    pair.put("chosen_score", standing[best]);
    pair.put("rejected_score", standing[worst]);
    return new Tuple2<>(first, OrderedRows.json(pair));
  }
}
