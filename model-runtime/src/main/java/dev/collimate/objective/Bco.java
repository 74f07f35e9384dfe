package dev.collimate.objective;

import dev.collimate.nn.Quantity;
import dev.collimate.text.NumberColumn;
import dev.collimate.text.RowShape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Binary classifier optimization (Jung et al. 2024, arXiv:2404.04656) as TRL's BCOTrainer has it:
 * {@code delta} is the mean of the rewards of all rows that training has seen, those of the step
 * itself included. An evaluation uses it as training left it. Undesirable rows can be weighed by
 * {@link DensityRatio}; TRL switches that on by an embedding function, here the embeddings stand in
 * a column.
 */
final class Bco implements Objective {

  private static final String COMPLETION = UnpairedMetrics.COMPLETION;
  private static final String MATCHES = "match_underlying_distribution";
  private static final List<String> YES = List.of("true");
  private static final String SAMPLE = "prompt_sample_size";
  private static final String MIN_RATIO = "min_density_ratio";
  private static final String MAX_RATIO = "max_density_ratio";

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "bco",
              "-logsigmoid(beta * lr - delta) where desirable, -logsigmoid(delta - beta * lr) where not;"
                  + " lr = logp - ref, delta = running mean of beta * lr",
              "Jung et al. 2024, arXiv:2404.04656; TRL's BCOTrainer",
              List.of(
                  ObjectiveOption.number(
                      "beta", 0.1, "> 0", "Strength of the pull towards the reference model."),
                  ObjectiveOption.flag(
                      MATCHES,
                      false,
                      "Weigh an undesirable row by how much more likely its prompt is among desirable"
                          + " rows, by the column embedding (TRL's embedding_func)."),
                  PromptSimilarity.size("`match_underlying_distribution`").onlyWith(MATCHES, YES),
                  ObjectiveOption.number(
                          SAMPLE,
                          1024.0,
                          ">= 1",
                          "Most rows of either label that the density ratio is fitted to.")
                      .onlyWith(MATCHES, YES),
                  ObjectiveOption.number(MIN_RATIO, 0.5, ">= 0", "Least weight by density ratio.")
                      .onlyWith(MATCHES, YES),
                  ObjectiveOption.number(
                          MAX_RATIO, 10.0, "> 0", "Greatest weight by density ratio.")
                      .onlyWith(MATCHES, YES)),
              Bco::new)
          .withNormalisation("mean over rows")
          .withLimits(
              "delta = 0 is, in each row, pointwise_dpo with c: 0, whose mean is per label",
              "match_underlying_distribution: true with min_density_ratio and max_density_ratio 1 is bco without it");

  /** State: the running mean, and the weight of the rows in it; then the density ratio's fit. */
  private final Declaration declaration;

  private final double beta;
  private final Optional<DensityRatio> ratio;

  private Bco(Options options) {
    beta = options.number("beta");
    Declaration judged =
        Declaration.of("bco", COMPLETION)
            .withShape(RowShape.UNPAIRED)
            .withQuantities(Quantity.MEAN_LOGIT)
            .withReference(ReferenceUse.SUMS)
            .withGather();
    List<Double> state = new ArrayList<>(List.of(0.0, 0.0));
    if (options.flag(MATCHES)) {
      NumberColumn column = PromptSimilarity.column(options);
      DensityRatio matching =
          new DensityRatio(
              column,
              (int) options.number(SAMPLE),
              options.number(MIN_RATIO),
              options.number(MAX_RATIO));
      state.addAll(matching.unfitted());
      judged = judged.withNumbers(column);
      ratio = Optional.of(matching);
    } else {
      ratio = Optional.empty();
    }
    declaration = judged.withState(state.toArray(Double[]::new));
  }

  @Override
  public Declaration declaration() {
    return declaration;
  }

  @Override
  public double[] initialState(TrainingRows rows) {
    double[] state = Objective.super.initialState(rows);
    if (ratio.isPresent()) {
      double[] fit = ratio.get().fit(rows);
      System.arraycopy(fit, 0, state, 2, fit.length);
    }
    return state;
  }

  /** The reward; then the weight of the row's embedding needs it. */
  @Override
  public double[] gather(RowInputs inputs) {
    double[] embedding =
        ratio
            .map(matching -> PromptSimilarity.embedding(matching.column(), inputs))
            .orElseGet(() -> new double[0]);
    double[] gathered = new double[1 + embedding.length];
    gathered[0] = beta * inputs.logRatio(COMPLETION).value();
    System.arraycopy(embedding, 0, gathered, 1, embedding.length);
    return gathered;
  }

  @Override
  public StepPlan plan(GlobalBatch batch) {
    double[] state = batch.state().clone();
    if (!batch.isEvaluation()) {
      double added = batch.weight();
      state[1] += added;
      state[0] += (batch.gatheredMean(0) - state[0]) * added / state[1];
    }
    return new StepPlan(state, new double[] {state[0]}, weights(batch));
  }

  /** [row][1]; none where all weigh alike. */
  private double[][] weights(GlobalBatch batch) {
    if (ratio.isEmpty()) {
      return new double[0][];
    }
    double[] fit = Arrays.copyOfRange(batch.state(), 2, batch.state().length);
    double[][] weights = new double[batch.rows().size()][];
    for (int row = 0; row < weights.length; row++) {
      double[] gathered = batch.gathered()[row];
      double[] embedding = Arrays.copyOfRange(gathered, 1, gathered.length);
      boolean isDesirable = batch.rows().get(row).label() == 1;
      weights[row] = new double[] {isDesirable ? 1 : ratio.get().weight(fit, embedding)};
    }
    return weights;
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar reward = inputs.logRatio(COMPLETION).times(beta);
    double delta = inputs.shared(0);
    Scalar margin = reward.minus(delta);
    Scalar signed = UnpairedMetrics.isDesirable(inputs) ? margin : margin.negated();
    Scalar loss = signed.logSigmoid().negated();
    return RowLoss.perRow(ratio.isPresent() ? loss.times(inputs.given(0)) : loss)
        .plus(UnpairedMetrics.of(inputs, reward.value()))
        .report("delta", delta);
  }
}
