package dev.collimate.planted;

import dev.collimate.learn.LearnRow;
import dev.collimate.nn.CausalModel;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.CausalModel.Pass;
import dev.collimate.nn.Quantity;
import dev.collimate.objective.Declaration;
import dev.collimate.objective.ReferenceUse;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.objective.TrainingSet;
import dev.collimate.text.Example;
import dev.collimate.text.ExamplePreparer;
import dev.collimate.text.Prepared;
import dev.collimate.text.PreparerConfig;
import dev.collimate.text.RowShape;
import dev.collimate.text.Sequence;
import dev.collimate.text.Tokenizer;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** Rows for an objective: what the stages prepare and reference do, without a cluster. */
final class Preparation {

  private final Declaration declaration;
  private final TrainingSet.Model model;
  private final PreparerConfig config;
  private final ExamplePreparer preparer;

  /**
   * @param model the policy, and the reference, which has the same sizes
   */
  Preparation(Tokenizer tokenizer, Declaration declaration, TrainingSet.Model model) {
    this.declaration = declaration;
    this.model = model;
    PreparerConfig usual = PreparerConfig.defaults(declaration.shape(), LocalDateTime.MIN);
    config =
        new PreparerConfig(
            usual.shape(),
            usual.maxLength(),
            usual.truncationMode(),
            usual.maxPromptLength(),
            usual.boundaryMerge(),
            !declaration.countsPrompt(),
            usual.assistantOnlyLoss(),
            usual.vocabularySize(),
            usual.templateTime(),
            declaration.columns());
    preparer = new ExamplePreparer(Optional.of(tokenizer), config);
  }

  /** The examples, and what an objective may know of all of them. */
  record Rows(List<Example> examples, TrainingSet set) {}

  Rows of(Planted data) {
    boolean learnsSingles =
        declaration.shape() == RowShape.DEMONSTRATION
            || (declaration.shape() == RowShape.UNPAIRED && !data.singles().isEmpty());
    List<Map<String, Object>> ofPairs =
        declaration.shape() == RowShape.RANKED ? data.lists() : data.pairs();
    List<Prepared.Ready> ready = ready(learnsSingles ? data.singles() : ofPairs);
    SortedMap<String, SortedMap<String, Long>> categories = new TreeMap<>();
    for (Prepared.Ready row : ready) {
      row.categories()
          .forEach(
              (column, name) ->
                  categories
                      .computeIfAbsent(column, any -> new TreeMap<>())
                      .merge(name, 1L, Long::sum));
    }
    List<Example> examples = new ArrayList<>();
    for (Prepared.Ready row : ready) {
      examples.add(numbered(row, categories, "row-" + examples.size()));
    }
    if (declaration.roles().contains(Declaration.MISMATCHED)) {
      examples = mismatched(examples);
    }
    return new Rows(examples, new TrainingSet(examples.size(), model, categories));
  }

  /** What is held out, for what an objective reports of rows. */
  List<Example> unseen(Planted data) {
    return ready(data.unseen()).stream().map(Prepared.Ready::example).toList();
  }

  private List<Prepared.Ready> ready(List<Map<String, Object>> rows) {
    List<Prepared.Ready> ready = new ArrayList<>();
    for (Map<String, Object> row : rows) {
      for (Prepared prepared : preparer.prepareAll(row)) {
        if (prepared instanceof Prepared.Refused refused) {
          throw new AssertionError(row + ": " + refused.detail());
        }
        ready.add((Prepared.Ready) prepared);
      }
    }
    return ready;
  }

  private static Example numbered(
      Prepared.Ready row, SortedMap<String, SortedMap<String, Long>> categories, String key) {
    Example example = row.example();
    Map<String, Double> scalars = new LinkedHashMap<>(example.scalars());
    row.categories()
        .forEach(
            (column, name) ->
                scalars.put(column, (double) categories.get(column).headMap(name).size()));
    return new Example(key, example.contentHash(), example.weight(), example.sequences(), scalars);
  }

  /** With the completion of the next row, by content, that has another prompt. */
  private List<Example> mismatched(List<Example> rows) {
    List<Example> order = new ArrayList<>(rows);
    order.sort(Comparator.comparing(Example::contentHash).thenComparing(Example::key));
    Map<String, Example> byKey = new LinkedHashMap<>();
    for (int i = 0; i < order.size(); i++) {
      int next = (i + 1) % order.size();
      while (Arrays.equals(prompt(order.get(next)), prompt(order.get(i)))) {
        next = (next + 1) % order.size();
      }
      int[] completion = completion(order.get(next)).completion();
      Example row = config.withOtherCompletion(order.get(i), Declaration.MISMATCHED, completion);
      byKey.put(row.key(), row);
    }
    return rows.stream().map(row -> byKey.get(row.key())).toList();
  }

  private static Sequence completion(Example row) {
    return row.sequences().get("completion");
  }

  private static int[] prompt(Example row) {
    Sequence sequence = completion(row);
    return Arrays.copyOf(sequence.ids(), sequence.promptLength());
  }

  /** The rows with the log-probabilities of a model that is the reference. */
  List<LearnRow> against(CausalModel reference, List<Example> examples) {
    if (declaration.reference() == ReferenceUse.NONE) {
      return examples.stream().map(row -> new LearnRow(row, Reference.NONE)).toList();
    }
    List<LearnRow> rows = new ArrayList<>();
    for (Example example : examples) {
      rows.add(new LearnRow(example, reference(reference, example)));
    }
    return rows;
  }

  private Reference reference(CausalModel model, Example row) {
    List<String> roles = declaration.roles();
    List<Sequence> sequences = roles.stream().map(role -> row.sequences().get(role)).toList();
    try (Pass pass = model.forward(sequences, Set.of(), Mode.EVALUATE, Adapter.ON)) {
      float[][] values = pass.values(Quantity.LOG_PROB);
      Map<String, Double> sums = new LinkedHashMap<>();
      Map<String, float[]> tokens = new LinkedHashMap<>();
      for (int i = 0; i < values.length; i++) {
        sums.put(roles.get(i), sum(values[i]));
        tokens.put(roles.get(i), values[i]);
      }
      return new Reference(
          sums, declaration.reference() == ReferenceUse.TOKENS ? tokens : Map.of());
    }
  }

  static double sum(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum;
  }
}
