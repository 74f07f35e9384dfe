package dev.collimate.inference;

import dev.collimate.CollimateException;
import dev.collimate.config.Source;
import dev.collimate.data.OrderedRows;
import dev.collimate.data.SparkFailure;
import dev.collimate.reward.PromptMixer;
import dev.collimate.storage.Storage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;

/**
 * Learns from what several rewards gave the answers that people preferred how much each of them is
 * to count for a prompt (PRO); a run reads it as {@code rollout.reward_mixer}.
 */
public final class FitMixer {

  private static final String KEY = "--scores";

  /** Of pairs the preferred side's, else the answer's. */
  private static final List<String> COLUMNS = List.of("chosen_" + Score.REWARD, Score.REWARD);

  private FitMixer() {}

  /**
   * Fits a mixer.
   *
   * @param labels of the rewards
   * @param scores an output of {@code score --reward} for each, all on one file
   * @param temperature of the targets
   * @param output the file that is written
   * @return facts by name
   * @throws CollimateException (usage) where the output is there or the temperature is not above 0;
   *     (data) where a row has no prompt or no reward, or the files' rows are not the same
   */
  public static Map<String, Object> run(
      SparkSession session,
      List<String> labels,
      List<Source> scores,
      double temperature,
      String output)
      throws IOException {
    if (!(temperature > 0)) {
      throw CollimateException.usage("--temperature: must be > 0, got " + temperature);
    }
    Path target = new Path(output);
    Storage storage = Storage.of(target, session.sparkContext().hadoopConfiguration());
    if (storage.exists(target)) {
      throw CollimateException.usage("--output: '%s' is there already".formatted(output));
    }
    List<String> prompts = new ArrayList<>();
    List<double[]> rewards = new ArrayList<>();
    for (int k = 0; k < scores.size(); k++) {
      String file = scores.get(k).path().orElseThrow();
      List<Map<String, Object>> rows = rows(session, scores.get(k), file);
      if (k > 0 && rows.size() != prompts.size()) {
        throw CollimateException.data(
            "%s: '%s' has %d rows, '%s' has %d; all rewards score the same file"
                .formatted(
                    KEY, file, rows.size(), scores.get(0).path().orElseThrow(), prompts.size()));
      }
      for (int i = 0; i < rows.size(); i++) {
        String place = "%s: row %d of '%s'".formatted(KEY, i + 1, file);
        String prompt = prompt(rows.get(i), place);
        if (k == 0) {
          prompts.add(prompt);
          rewards.add(new double[scores.size()]);
        } else if (!prompt.equals(prompts.get(i))) {
          throw CollimateException.data(
              place + " has another prompt than the first file; all rewards score the same file");
        }
        rewards.get(i)[k] = reward(rows.get(i), place);
      }
    }
    List<PromptMixer.Preferred> answers = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      answers.add(new PromptMixer.Preferred(prompts.get(i), rewards.get(i)));
    }
    PromptMixer mixer = PromptMixer.fit(labels, answers, temperature);
    storage.replace(target, mixer.toJson().getBytes(StandardCharsets.UTF_8));
    return facts(mixer, prompts);
  }

  private static List<Map<String, Object>> rows(SparkSession session, Source source, String file)
      throws IOException {
    try (OrderedRows rows = OrderedRows.read(session, KEY, source)) {
      return rows.pieces().values().collect().stream().map(OrderedRows::row).toList();
    } catch (RuntimeException e) {
      throw SparkFailure.of("reading '" + file + "'", e);
    }
  }

  /** A prompt as text; of a conversation what its messages say. */
  private static String prompt(Map<String, Object> row, String place) {
    Object prompt = row.get("prompt");
    if (prompt instanceof List<?> messages) {
      StringJoiner text = new StringJoiner("\n");
      for (Object message : messages) {
        if (message instanceof Map<?, ?> fields && fields.get("content") instanceof String said) {
          text.add(said);
        }
      }
      return text.toString();
    }
    if (prompt instanceof String text) {
      return text;
    }
    throw CollimateException.data(place + " has no column 'prompt', a text or a conversation");
  }

  private static double reward(Map<String, Object> row, String place) {
    for (String column : COLUMNS) {
      if (RowNumbers.isOne(row.get(column))) {
        return RowNumbers.of(row.get(column))[0];
      }
    }
    throw CollimateException.data(
        "%s has no number '%s'; score --reward writes one"
            .formatted(place, String.join("' or '", COLUMNS)));
  }

  /** The mean weight of each reward, and how far from one reward alone the weights are. */
  private static Map<String, Object> facts(PromptMixer mixer, List<String> prompts) {
    double[] sums = new double[mixer.rewards().size()];
    double entropy = 0;
    for (String prompt : prompts) {
      double[] weights = mixer.weights(prompt);
      for (int k = 0; k < sums.length; k++) {
        sums[k] += weights[k];
        entropy -= weights[k] * StrictMath.log(weights[k]);
      }
    }
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("rows", prompts.size());
    for (int k = 0; k < sums.length; k++) {
      facts.put("mean_weight/" + mixer.rewards().get(k), sums[k] / prompts.size());
    }
    facts.put("mean_entropy", entropy / prompts.size());
    facts.put("most_entropy", StrictMath.log(sums.length));
    return facts;
  }
}
