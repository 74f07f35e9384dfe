package dev.collimate.learn;

import dev.collimate.CollimateException;
import dev.collimate.nn.CausalModel;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.CausalModel.Pass;
import dev.collimate.nn.Quantity;
import dev.collimate.objective.Declaration;
import dev.collimate.objective.Objective;
import dev.collimate.objective.OwnParameters;
import dev.collimate.objective.RowInputs;
import dev.collimate.objective.RowInputs.StepNumbers;
import dev.collimate.objective.RowInputs.Variables;
import dev.collimate.objective.RowLoss;
import dev.collimate.objective.SequenceScores;
import dev.collimate.objective.TokenLogProbs;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.text.Sequence;
import dev.collimate.text.TokenMarks;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleBiFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Micro-batch to gradient: runs the rows' sequences as one batch, lets the objective say how the
 * loss depends on them, and carries the derivatives back through the model. One thread at a time.
 */
public final class Learner {

  /** Layout name of the objective's own parameters, which follow the model's. */
  public static final String OWN_PARAMETERS = "objective.parameters";

  private final CausalModel model;
  private final Objective objective;
  private final Declaration declaration;
  private final ParameterLayout layout;
  private double[] ownParameters;

  public Learner(CausalModel model, Objective objective) {
    this.model = model;
    this.objective = objective;
    this.declaration = objective.declaration();
    this.ownParameters =
        declaration.initialParameters().stream().mapToDouble(Double::doubleValue).toArray();
    model.loadOwn(ownParameters);
    this.layout = layoutOf(model.layout(), declaration);
  }

  /** The trained parameters: the model's, then the objective's own where it has any. */
  public static ParameterLayout layoutOf(ParameterLayout model, Declaration declaration) {
    if (declaration.initialParameters().isEmpty()) {
      return model;
    }
    List<ParameterLayout.Parameter> parameters = new ArrayList<>(model.parameters());
    long count = declaration.initialParameters().size();
    parameters.add(new ParameterLayout.Parameter(OWN_PARAMETERS, List.of(count)));
    return new ParameterLayout(parameters);
  }

  public ParameterLayout layout() {
    return layout;
  }

  /** Sets all trained parameters. */
  public void load(FlatVector parameters) {
    if (ownParameters.length == 0) {
      model.load(parameters);
      return;
    }
    FlatVector models = new FlatVector(model.layout().size());
    copy(parameters, models, models.size());
    model.load(models);
    for (int i = 0; i < ownParameters.length; i++) {
      ownParameters[i] = parameters.get(models.size() + i);
    }
    model.loadOwn(ownParameters);
  }

  /** Copies all trained parameters out. */
  public void store(FlatVector into) {
    if (ownParameters.length == 0) {
      model.store(into);
      return;
    }
    FlatVector models = new FlatVector(model.layout().size());
    model.store(models);
    copy(models, into, models.size());
    for (int i = 0; i < ownParameters.length; i++) {
      into.set(models.size() + i, (float) ownParameters[i]);
    }
  }

  /**
   * The gradient of the rows' share of the step's loss.
   *
   * @param into overwritten, in the order of {@link #layout()}
   */
  public LeafResult gradient(StepContext context, List<LearnRow> rows, FlatVector into) {
    List<String> roles = declaration.sequences();
    try (Pass pass = forward(rows, roles, declaration.quantities(), Mode.TRAIN)) {
      OwnParameters own = new OwnParameters(ownParameters);
      Batch batch = new Batch(context, rows, roles, pass, declaration.quantities(), own);
      LeafResult result =
          batch.sum(
              (row, learnRow) -> {
                double share = row.differentiate(learnRow.example().weight(), context.totals());
                if (!Double.isFinite(share)) {
                  throw CollimateException.data(
                      "step %d: the loss of row '%s' is %s; lower train.learning_rate or look at the row"
                          .formatted(context.step(), learnRow.example().key(), share));
                }
                return share;
              });
      backward(pass, batch, own, into);
      return result;
    }
  }

  /**
   * The rows' share of the loss, and their metrics; the totals are those of all held-out rows.
   *
   * @throws CollimateException of kind DATA where a row's loss is not finite
   */
  public LeafResult evaluate(StepContext context, List<LearnRow> rows) {
    List<String> roles = declaration.sequences();
    try (Pass pass = forward(rows, roles, declaration.quantities(), Mode.EVALUATE)) {
      OwnParameters own = new OwnParameters(ownParameters);
      Batch batch = new Batch(context, rows, roles, pass, declaration.quantities(), own);
      return batch.sum(
          (row, learnRow) -> {
            double share = row.value(learnRow.example().weight(), context.totals());
            if (!Double.isFinite(share)) {
              throw CollimateException.data(
                  "evaluation: the loss of row '%s' is %s; look at the model's weights or the row"
                      .formatted(learnRow.example().key(), share));
            }
            return share;
          });
    }
  }

  /**
   * The first pass over a global batch.
   *
   * @return [row][scalar] for {@link Objective#plan}
   */
  public double[][] gather(StepContext context, List<LearnRow> rows) {
    List<String> roles = declaration.gathered();
    Set<Quantity> quantities = EnumSet.of(declaration.differentiable());
    quantities.addAll(declaration.gatheredQuantities());
    try (Pass pass = forward(rows, roles, quantities, Mode.EVALUATE)) {
      OwnParameters own = new OwnParameters(ownParameters);
      Batch batch = new Batch(context, rows, roles, pass, quantities, own);
      double[][] gathered = new double[rows.size()][];
      for (int i = 0; i < gathered.length; i++) {
        gathered[i] = objective.gather(batch.inputs(i));
      }
      return gathered;
    }
  }

  private Pass forward(
      List<LearnRow> rows, List<String> roles, Set<Quantity> quantities, Mode mode) {
    List<List<Sequence>> all = new ArrayList<>();
    for (LearnRow row : rows) {
      List<Sequence> sequences = new ArrayList<>();
      all.add(sequences);
      for (String role : roles) {
        Sequence sequence = row.example().sequences().get(role);
        if (sequence == null) {
          throw CollimateException.data(
              "row '%s' has no '%s' sequence, which objective %s needs"
                  .formatted(row.example().key(), role, declaration.name()));
        }
        sequences.add(sequence);
      }
    }
    try {
      return model.forwardRows(all, quantities, mode, Adapter.ON);
    } catch (CollimateException e) {
      String keys =
          rows.stream()
              .map(row -> "'" + row.example().key() + "'")
              .collect(Collectors.joining(", "));
      throw new CollimateException(
          e.kind(), "The model cannot read rows %s: %s".formatted(keys, e.getMessage()), e);
    }
  }

  private void backward(Pass pass, Batch batch, OwnParameters own, FlatVector into) {
    own.addGradients(pass.backward(batch.gradients(), into));
    long first = model.layout().size();
    double[] ownGradients = own.gradients();
    for (int i = 0; i < ownGradients.length; i++) {
      into.set(first + i, (float) ownGradients[i]);
    }
  }

  private void report(LearnRow row, RowLoss loss, MetricSums metrics) {
    loss.metrics().forEach(metric -> metrics.add(metric.name(), metric.sum(), metric.weight()));
    for (String role : declaration.sequences()) {
      metrics.count("num_tokens", row.example().sequences().get(role).length());
    }
  }

  private static void copy(FlatVector from, FlatVector into, long count) {
    for (long i = 0; i < count; i += FlatVector.BLOCK) {
      int block = (int) (i / FlatVector.BLOCK);
      int length = (int) Math.min(FlatVector.BLOCK, count - i);
      System.arraycopy(from.block(block), 0, into.block(block), 0, length);
    }
  }

  /** The model's values of a micro-batch, row by row, and the derivatives that come back. */
  private final class Batch {
    private final StepContext context;
    private final List<LearnRow> rows;
    private final List<String> roles;
    private final Map<Quantity, float[][]> values = new EnumMap<>(Quantity.class);
    private final List<TokenLogProbs> policy = new ArrayList<>();
    private final List<SequenceScores> scores = new ArrayList<>();
    private final Map<Quantity, List<TokenLogProbs>> variables = new EnumMap<>(Quantity.class);
    private final List<SequenceScores> hidden = new ArrayList<>();
    private final OwnParameters own;

    Batch(
        StepContext context,
        List<LearnRow> rows,
        List<String> roles,
        Pass pass,
        Set<Quantity> quantities,
        OwnParameters own) {
      this.context = context;
      this.rows = rows;
      this.roles = roles;
      this.own = own;
      quantities.forEach(quantity -> values.put(quantity, pass.values(quantity)));
      if (declaration.scores() > 0) {
        for (float[] ofSequence : pass.values(Quantity.SCORE)) {
          scores.add(new SequenceScores(widen(ofSequence)));
        }
      } else {
        policy.addAll(variables(pass, Quantity.LOG_PROB));
      }
      for (Quantity quantity : declaration.learned()) {
        if (quantity == Quantity.LAST_HIDDEN && quantities.contains(quantity)) {
          Stream.of(pass.values(quantity))
              .forEach(state -> hidden.add(new SequenceScores(widen(state))));
        } else if (quantities.contains(quantity)) {
          variables.put(quantity, variables(pass, quantity));
        }
      }
    }

    private List<TokenLogProbs> variables(Pass pass, Quantity quantity) {
      List<TokenLogProbs> all = new ArrayList<>();
      for (float[] ofSequence : pass.values(quantity)) {
        int i = all.size();
        Sequence sequence =
            rows.get(i / roles.size()).example().sequences().get(roles.get(i % roles.size()));
        all.add(new TokenLogProbs(widen(ofSequence), sequence.countedPromptTokens()));
      }
      return all;
    }

    /** All rows' shares of the loss, added in order, and their metrics. */
    LeafResult sum(ToDoubleBiFunction<RowLoss, LearnRow> share) {
      double loss = 0;
      MetricSums metrics = new MetricSums();
      for (int i = 0; i < rows.size(); i++) {
        RowLoss row = objective.row(inputs(i));
        loss += share.applyAsDouble(row, rows.get(i));
        report(rows.get(i), row, metrics);
      }
      return new LeafResult(loss, metrics);
    }

    RowInputs inputs(int row) {
      LearnRow learnRow = rows.get(row);
      StepNumbers numbers = new StepNumbers(context.shared(), learnRow.given(), own);
      Map<String, TokenLogProbs> byRole = new LinkedHashMap<>();
      Map<String, SequenceScores> scoresByRole = new LinkedHashMap<>();
      Map<String, Map<Quantity, float[]>> quantities = new LinkedHashMap<>();
      for (int r = 0; r < roles.size(); r++) {
        int sequence = row * roles.size() + r;
        if (declaration.scores() > 0) {
          scoresByRole.put(roles.get(r), scores.get(sequence));
          continue;
        }
        byRole.put(roles.get(r), policy.get(sequence));
        Map<Quantity, float[]> ofSequence = new EnumMap<>(Quantity.class);
        values.forEach((quantity, all) -> ofSequence.put(quantity, all[sequence]));
        quantities.put(roles.get(r), ofSequence);
      }
      Map<String, Double> scalars = learnRow.example().scalars();
      return declaration.scores() > 0
          ? RowInputs.ofScores(scoresByRole, scalars, numbers).with(variables(row))
          : new RowInputs(byRole, quantities, learnRow.reference(), scalars, numbers)
              .with(variables(row))
              .withMarks(marks(learnRow));
    }

    private Map<String, double[]> marks(LearnRow row) {
      Map<String, double[]> marks = new LinkedHashMap<>();
      for (TokenMarks column : declaration.columns().marks()) {
        marks.put(column.role(), row.example().sequences().get(column.role()).countedMarks());
      }
      return marks;
    }

    private Variables variables(int row) {
      Map<String, Map<Quantity, TokenLogProbs>> tokens = new LinkedHashMap<>();
      Map<String, SequenceScores> states = new LinkedHashMap<>();
      for (int r = 0; r < roles.size(); r++) {
        int sequence = row * roles.size() + r;
        Map<Quantity, TokenLogProbs> ofRole = new EnumMap<>(Quantity.class);
        variables.forEach((quantity, all) -> ofRole.put(quantity, all.get(sequence)));
        tokens.put(roles.get(r), ofRole);
        if (!hidden.isEmpty()) {
          states.put(roles.get(r), hidden.get(sequence));
        }
      }
      return new Variables(tokens, states);
    }

    /** By quantity [sequence][counted token], of scores and states [sequence][number]. */
    Map<Quantity, float[][]> gradients() {
      Map<Quantity, float[][]> gradients = new EnumMap<>(Quantity.class);
      gradients.put(
          declaration.differentiable(),
          declaration.scores() > 0 ? ofVectors(scores) : ofTokens(policy));
      variables.forEach((quantity, all) -> gradients.put(quantity, ofTokens(all)));
      if (!hidden.isEmpty()) {
        gradients.put(Quantity.LAST_HIDDEN, ofVectors(hidden));
      }
      return gradients;
    }

    private static float[][] ofTokens(List<TokenLogProbs> all) {
      return all.stream().map(TokenLogProbs::gradients).map(Batch::narrow).toArray(float[][]::new);
    }

    private static float[][] ofVectors(List<SequenceScores> all) {
      return all.stream().map(SequenceScores::gradients).map(Batch::narrow).toArray(float[][]::new);
    }

    private static float[] narrow(double[] exact) {
      float[] narrow = new float[exact.length];
      for (int i = 0; i < narrow.length; i++) {
        narrow[i] = (float) exact[i];
      }
      return narrow;
    }

    private static double[] widen(float[] values) {
      double[] wide = new double[values.length];
      for (int i = 0; i < wide.length; i++) {
        wide[i] = values[i];
      }
      return wide;
    }
  }
}
