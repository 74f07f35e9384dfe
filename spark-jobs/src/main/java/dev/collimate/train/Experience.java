package dev.collimate.train;

import dev.collimate.learn.LearnRow;
import dev.collimate.learn.StepContext;
import dev.collimate.objective.Assessment;
import dev.collimate.objective.Online;
import dev.collimate.objective.RowFacts;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.objective.StepTotals;
import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The completions of a rollout with all that they are trained with.
 *
 * @param rows in the order of the rollout
 */
record Experience(List<Row> rows) {

  /**
   * A completion.
   *
   * @param key of its prompt and the number of the sample
   * @param weight of its prompt
   * @param old log-probabilities of the counted tokens before training; empty where not read
   * @param reference those of the reference; empty where not read
   */
  record Row(
      String key,
      double weight,
      Sequence sequence,
      float[] old,
      float[] reference,
      Assessment.Row assessed) {

    /** Whether there is anything to learn from it. */
    boolean takesPart() {
      return weight * assessed.weight() != 0 && sequence.countedTokens() > 0;
    }

    private RowFacts facts() {
      return new RowFacts(
              key,
              weight * assessed.weight(),
              Map.of(Online.COMPLETION, sequence.countedTokens()),
              Double.NaN)
          .withTokens(assessed.counts());
    }

    private LearnRow learnRow() {
      Map<String, float[]> tokens = new LinkedHashMap<>(assessed.tokens());
      if (old.length > 0) {
        tokens.put(Online.OLD, old);
      }
      if (reference.length > 0) {
        tokens.put(Online.COMPLETION, reference);
      }
      return new LearnRow(
          example(key, weight * assessed.weight(), sequence),
          new Reference(Map.of(), tokens),
          assessed.given());
    }
  }

  /** A completion as an example, to run it through a model. */
  static Example example(String key, double weight, Sequence sequence) {
    return new Example(key, "", weight, Map.of(Online.COMPLETION, sequence), Map.of());
  }

  boolean[] takesPart() {
    boolean[] takesPart = new boolean[rows.size()];
    for (int i = 0; i < takesPart.length; i++) {
      takesPart[i] = rows.get(i).takesPart();
    }
    return takesPart;
  }

  int length(int row) {
    return rows.get(row).sequence().length();
  }

  /** Tokens that micro-batches cost: every sequence as long as the longest. */
  long computedTokens(List<int[]> microBatches) {
    return microBatches.stream()
        .mapToLong(
            batch -> batch.length * Arrays.stream(batch).mapToLong(this::length).max().orElse(0))
        .sum();
  }

  /**
   * Work with a gradient.
   *
   * @param miniBatch all completions of the step, over which losses are averaged
   * @param microBatches those of them that take part
   */
  List<byte[]> gradients(long step, int[] miniBatch, List<int[]> microBatches) {
    List<RowFacts> facts = Arrays.stream(miniBatch).mapToObj(i -> rows.get(i).facts()).toList();
    StepContext context = new StepContext(step, StepTotals.of(facts), new double[0]);
    List<byte[]> leaves = new ArrayList<>();
    for (int[] batch : microBatches) {
      List<LearnRow> learned = Arrays.stream(batch).mapToObj(i -> rows.get(i).learnRow()).toList();
      leaves.add(new OnlineWork.Learn(context, learned).toBytes());
    }
    return leaves;
  }
}
