package dev.collimate.learn;

import dev.collimate.objective.Assessment;
import dev.collimate.objective.Declaration;
import dev.collimate.objective.DeclaredColumns;
import dev.collimate.objective.GlobalBatch;
import dev.collimate.objective.Judged;
import dev.collimate.objective.Objective;
import dev.collimate.objective.Online;
import dev.collimate.objective.RowFacts;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.objective.Sampled;
import dev.collimate.objective.StepPlan;
import dev.collimate.objective.StepTotals;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.TreeNode;
import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A step of sixteen rows of unequal lengths and weights, whose sequences begin alike, run at any
 * micro-batch size.
 */
final class SixteenRows {

  static final int VOCAB = 11;

  private SixteenRows() {}

  static List<LearnRow> rows(Objective objective, long seed) {
    Random random = new Random(seed);
    List<LearnRow> rows = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      rows.add(row(objective.declaration(), random, i));
    }
    return objective instanceof Online online ? assessed(online, rows, random) : rows;
  }

  /** The rows as the completions of a rollout, whose policy was near the reference. */
  private static List<LearnRow> assessed(Online objective, List<LearnRow> rows, Random random) {
    int generations = objective.needs().generations();
    int perRow = objective.comparesCompletions() ? generations : 1;
    List<String> roles = objective.declaration().sequences();
    List<Judged.Completion> completions = new ArrayList<>();
    for (int i = 0; i < rows.size() * perRow; i++) {
      // The second of a pair whose objective trains on the first alone is like it.
      String role = roles.get(Math.min(i % perRow, roles.size() - 1));
      Sequence sequence = rows.get(i / perRow).example().sequences().get(role);
      float[] reference = rows.get(i / perRow).reference().tokens().get(role);
      float[] old = new float[reference.length];
      float[] values = new float[reference.length];
      for (int t = 0; t < old.length; t++) {
        old[t] = reference[t] + 0.1f * (float) random.nextGaussian();
        values[t] = (float) random.nextGaussian();
      }
      int[] prompt = Arrays.copyOf(sequence.ids(), sequence.promptLength());
      completions.add(
          new Judged.Completion(
              "prompt-" + i / generations,
              i % generations,
              new Sampled(prompt, sequence.completion(), random.nextBoolean(), old.length),
              new double[] {random.nextGaussian()},
              old,
              values,
              reference));
    }
    Assessment assessment =
        objective.assess(new Judged(List.of("reward"), List.of(1.0), completions));
    List<LearnRow> assessed = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      assessed.add(assessed(rows.get(i), i, completions, assessment.rows().get(i)));
    }
    return assessed;
  }

  private static LearnRow assessed(
      LearnRow row, int number, List<Judged.Completion> completions, Assessment.Row assessed) {
    Map<String, Sequence> sequences = new LinkedHashMap<>();
    Map<String, Double> sums = new LinkedHashMap<>();
    Map<String, float[]> tokens = new LinkedHashMap<>();
    assessed
        .completions(number)
        .forEach(
            (role, index) -> {
              Judged.Completion completion = completions.get(index);
              sequences.put(role, sequence(completion.sampled()));
              double sum = 0;
              for (float token : completion.reference()) {
                sum += token;
              }
              sums.put(role, sum);
              tokens.put(role, completion.reference());
              tokens.put(Online.OLD, completion.old());
            });
    tokens.putAll(assessed.tokens());
    Example of = row.example();
    return new LearnRow(
        new Example(of.key(), of.contentHash(), of.weight(), sequences, of.scalars()),
        new Reference(sums, tokens),
        assessed.given());
  }

  private static Sequence sequence(Sampled sampled) {
    int[] prompt = sampled.prompt();
    int[] ids = Arrays.copyOf(prompt, prompt.length + sampled.completion().length);
    System.arraycopy(sampled.completion(), 0, ids, prompt.length, sampled.completion().length);
    byte[] mask = new byte[ids.length];
    Arrays.fill(mask, prompt.length, ids.length, (byte) 1);
    return new Sequence(ids, prompt.length, mask);
  }

  /** What the driver knows of a row; a completion here has no position beside its tokens. */
  static RowFacts facts(LearnRow row) {
    RowFacts facts = RowFacts.of(row.example());
    return facts.countedTokens().containsKey(Online.COMPLETION)
        ? facts.withTokens(Map.of("tokens", facts.countedTokens().get(Online.COMPLETION)))
        : facts;
  }

  private static LearnRow row(Declaration declaration, Random random, int index) {
    Map<String, Sequence> sequences = new LinkedHashMap<>();
    Map<String, Double> sums = new LinkedHashMap<>();
    Map<String, float[]> tokens = new LinkedHashMap<>();
    int promptLength = 1 + random.nextInt(5);
    int[] prompt = new int[0];
    for (String role : declaration.roles()) {
      int[] ids = random.ints(promptLength + 1 + random.nextInt(12), 0, VOCAB).toArray();
      if (prompt.length == 0) {
        prompt = Arrays.copyOf(ids, promptLength);
      }
      System.arraycopy(prompt, 0, ids, 0, promptLength);
      byte[] mask = new byte[ids.length];
      float[] reference = new float[ids.length - promptLength];
      double sum = 0;
      for (int t = promptLength; t < ids.length; t++) {
        mask[t] = 1;
        reference[t - promptLength] = -2.4f + 0.3f * (float) random.nextGaussian();
        sum += reference[t - promptLength];
      }
      boolean isImitated = role.equals("completion") || role.equals("chosen");
      if (declaration.countsPrompt() && isImitated) {
        Arrays.fill(mask, 1, promptLength, (byte) 1);
      }
      sequences.put(role, new Sequence(ids, promptLength, mask));
      sums.put(role, sum);
      tokens.put(role, reference);
    }
    double weight = 0.25 + random.nextInt(8) * 0.375;
    Map<String, Double> scalars = DeclaredColumns.scalars(declaration, random);
    Example example = new Example("row-" + index, "hash-" + index, weight, sequences, scalars);
    return new LearnRow(example, new Reference(sums, tokens));
  }

  static FlatVector parameters(Learner learner, long seed) {
    Random random = new Random(seed);
    FlatVector parameters = new FlatVector(learner.layout().size());
    for (long i = 0; i < parameters.size(); i++) {
      parameters.set(i, (float) random.nextGaussian() * 0.7f);
    }
    return parameters;
  }

  /** A step's gradient, loss, metrics and the objective's next state. */
  record Result(FlatVector gradient, double loss, MetricSums metrics, double[] state) {}

  static Result step(
      Learner learner, Objective objective, List<LearnRow> rows, int microBatchSize) {
    List<RowFacts> facts = rows.stream().map(SixteenRows::facts).toList();
    StepTotals totals = StepTotals.of(facts);
    Declaration declaration = objective.declaration();
    double[] state = declaration.initialState().stream().mapToDouble(Double::doubleValue).toArray();
    StepContext first = new StepContext(1, totals, new double[0]);
    double[][] gathered = declaration.gathers() ? new double[rows.size()][] : new double[0][];
    for (int from = 0; from < gathered.length; from += microBatchSize) {
      int to = Math.min(rows.size(), from + microBatchSize);
      System.arraycopy(learner.gather(first, rows.subList(from, to)), 0, gathered, from, to - from);
    }
    StepPlan plan = objective.plan(new GlobalBatch(42, 1, facts, gathered, state));
    StepContext context = new StepContext(1, totals, plan.shared());
    List<LearnRow> planned = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      double[] given = plan.perRow().length == 0 ? rows.get(i).given() : plan.given(i);
      planned.add(new LearnRow(rows.get(i).example(), rows.get(i).reference(), given));
    }
    List<FlatVector> leaves = new ArrayList<>();
    double loss = 0;
    MetricSums metrics = new MetricSums();
    for (int from = 0; from < rows.size(); from += microBatchSize) {
      FlatVector leaf = new FlatVector(learner.layout().size());
      int to = Math.min(rows.size(), from + microBatchSize);
      LeafResult result = learner.gradient(context, planned.subList(from, to), leaf);
      loss += result.loss();
      metrics.add(result.metrics());
      leaves.add(leaf);
    }
    return new Result(sum(leaves, TreeNode.root(leaves.size())), loss, metrics, plan.state());
  }

  private static FlatVector sum(List<FlatVector> leaves, TreeNode node) {
    if (node.isLeaf()) {
      return leaves.get(node.from());
    }
    FlatVector left = sum(leaves, node.left());
    left.add(sum(leaves, node.right()));
    return left;
  }
}
