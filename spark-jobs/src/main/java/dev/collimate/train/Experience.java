package dev.collimate.train;

import dev.collimate.learn.LearnRow;
import dev.collimate.learn.StepContext;
import dev.collimate.objective.Assessment;
import dev.collimate.objective.GlobalBatch;
import dev.collimate.objective.Online;
import dev.collimate.objective.RowFacts;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.objective.StepPlan;
import dev.collimate.objective.StepTotals;
import dev.collimate.online.SamplerCorrection;
import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/**
 * The completions of a rollout with all that they are trained with.
 *
 * @param rows of the assessment, in its order
 * @param correction of completions that the policy did not draw
 */
record Experience(List<Row> rows, Optional<SamplerCorrection> correction) {

  /**
   * A completion in a row.
   *
   * @param old log-probabilities of the counted tokens before training; empty where not read
   * @param reference those of the reference; empty where not read
   * @param sampler those of the engine that wrote the completion; empty where not read
   */
  record Part(Sequence sequence, float[] old, float[] reference, float[] sampler) {

    /** What its loss is multiplied by; empty where no token of it counts. */
    float[] ratios(SamplerCorrection by) {
      return old.length == 0 ? new float[0] : by.ratios(old, sampler);
    }
  }

  /**
   * A row.
   *
   * @param key of its prompt, and the number of the sample where it is one completion
   * @param weight of its prompt; 0 where a completion has no reward
   * @param parts its completions by role
   */
  record Row(String key, double weight, Map<String, Part> parts, Assessment.Row assessed) {

    /** Whether there is anything to learn from it. */
    boolean takesPart() {
      return weight * assessed.weight() != 0
          && parts.values().stream().allMatch(part -> part.sequence().countedTokens() > 0);
    }

    private int length() {
      return parts.values().stream().mapToInt(part -> part.sequence().length()).max().orElse(0);
    }

    private RowFacts facts() {
      Map<String, Integer> counted = new LinkedHashMap<>();
      parts.forEach((role, part) -> counted.put(role, part.sequence().countedTokens()));
      return new RowFacts(key, weight * assessed.weight(), counted, Double.NaN)
          .withTokens(assessed.counts());
    }

    private LearnRow learnRow(Optional<SamplerCorrection> by) {
      Map<String, Double> sums = new TreeMap<>();
      Map<String, float[]> tokens = new LinkedHashMap<>(assessed.tokens());
      Map<String, Sequence> sequences = new LinkedHashMap<>();
      parts.forEach(
          (role, part) -> {
            sequences.put(role, part.sequence());
            if (part.old().length > 0 && role.equals(Online.COMPLETION)) {
              tokens.put(Online.OLD, part.old());
              by.ifPresent(
                  correction -> {
                    tokens.put(Online.SAMPLER, part.sampler());
                    tokens.put(Online.CORRECTION, part.ratios(correction));
                  });
            }
            if (part.reference().length > 0) {
              tokens.put(role, part.reference());
              double sum = 0;
              for (float logProb : part.reference()) {
                sum += logProb;
              }
              sums.put(role, sum);
            }
          });
      return new LearnRow(
          new Example(key, "", weight * assessed.weight(), sequences, Map.of()),
          new Reference(sums, tokens),
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
    return rows.get(row).length();
  }

  /** Tokens that micro-batches cost: every sequence as long as the longest. */
  long computedTokens(List<int[]> microBatches) {
    return microBatches.stream()
        .mapToLong(
            batch ->
                Arrays.stream(batch).mapToLong(row -> rows.get(row).parts().size()).sum()
                    * Arrays.stream(batch).mapToLong(this::length).max().orElse(0))
        .sum();
  }

  /**
   * A step that is ready to be given out.
   *
   * @param gradients work of every micro-batch
   * @param stateAfter the objective's state after the step
   */
  record Prepared(List<byte[]> gradients, double[] stateAfter) {}

  /**
   * Prepares a step: its denominators, and the objective's first pass where it asks for one.
   *
   * @param step with the run's seed and the objective's state before it
   * @param miniBatch all rows of the step, over which losses are averaged
   * @param microBatches those of them that take part
   * @param workers answers work without a gradient
   */
  Prepared prepare(
      Online objective,
      Step step,
      int[] miniBatch,
      List<int[]> microBatches,
      UnaryOperator<List<byte[]>> workers) {
    StepTotals totals = StepTotals.of(facts(Arrays.stream(miniBatch)));
    List<RowFacts> learned = facts(microBatches.stream().flatMapToInt(Arrays::stream));
    double[][] gathered = new double[0][];
    if (objective.declaration().gathers() && !learned.isEmpty()) {
      StepContext before = new StepContext(step.number(), totals, new double[0]);
      gathered =
          StepWork.scalars(
              workers.apply(
                  microBatches.stream()
                      .map(batch -> new OnlineWork.Gather(before, learnRows(batch)).toBytes())
                      .toList()));
    }
    StepPlan plan =
        objective.plan(
            new GlobalBatch(step.seed(), step.number(), learned, gathered, step.state()));
    StepContext context = new StepContext(step.number(), totals, plan.shared());
    return new Prepared(
        microBatches.stream()
            .map(batch -> new OnlineWork.Learn(context, learnRows(batch)).toBytes())
            .toList(),
        plan.state());
  }

  /**
   * An optimizer step.
   *
   * @param state the objective's before it
   */
  record Step(long number, long seed, double[] state) {}

  private List<RowFacts> facts(IntStream of) {
    return of.mapToObj(i -> rows.get(i).facts()).toList();
  }

  private List<LearnRow> learnRows(int[] batch) {
    return Arrays.stream(batch).mapToObj(i -> rows.get(i).learnRow(correction)).toList();
  }
}
