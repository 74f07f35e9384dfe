package dev.collimate.objective;

import dev.collimate.text.NumberColumn;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/**
 * DPO whose margin has to exceed an amount that the row gives: {@code -logsigmoid(beta * M -
 * offset)}. The methods differ in where the offset comes from.
 */
final class OffsetDpo implements Objective {

  private static final String CHOSEN_SCORE = "chosen_score";
  private static final String REJECTED_SCORE = "rejected_score";
  private static final String GAP = "constraint_gap";
  private static final String STATEMENT = "statement";

  /** A gap of scores of 0 would give an offset of minus infinity. */
  private static final double LEAST_GAP = 1e-3;

  static final ObjectiveSpec ODPO =
      new ObjectiveSpec(
              "odpo",
              "-logsigmoid(beta * M - alpha * f(chosen_score - rejected_score)),"
                  + " M = (logp_c - ref_c) - (logp_r - ref_r)",
              "Amini et al. 2024, Direct Preference Optimization with an Offset, arXiv:2402.10571",
              List.of(
                  Pairs.beta(0.1),
                  ObjectiveOption.number("alpha", 1.0, ">= 0", "Scale of the offset; 0: DPO."),
                  ObjectiveOption.choice(
                      "offset_fn",
                      List.of("log", "identity", "ratio"),
                      List.of("log", "identity", "ratio"),
                      "`log` or `identity` of the columns' chosen_score - rejected_score (`log`: of at"
                          + " least 0.001), or `ratio`: log(chosen_score / rejected_score).")),
              OffsetDpo::odpo)
          .withNormalisation("mean over rows")
          .withLimits("alpha: 0 is dpo");

  static final ObjectiveSpec REVERSE_PO =
      new ObjectiveSpec(
              "reverse_po",
              "-logsigmoid(beta * M - gamma * constraint_gap)",
              "Huang et al. 2025, Reverse Preference Optimization for Complex Instruction Following,"
                  + " arXiv:2505.22172 (experimental)",
              List.of(
                  Pairs.beta(0.1),
                  ObjectiveOption.number(
                      "gamma",
                      0.1,
                      ">= 0",
                      "Margin asked for each constraint in which the answers differ (column"
                          + " constraint_gap); 0: DPO.")),
              OffsetDpo::reverse)
          .withNormalisation("mean over rows")
          .withLimits("gamma: 0 is dpo");

  static final ObjectiveSpec CITATION_APO =
      new ObjectiveSpec(
              "citation_apo",
              "-logsigmoid(beta * M) of the statement whose number is in the column statement, after"
                  + " question, passages and the statements before it",
              "Li et al. 2024, Improving Attributed Text Generation of Large Language Models via"
                  + " Preference Learning, arXiv:2403.18381 (experimental)",
              Stream.concat(Stream.of(Pairs.beta(0.1)), Progression.OPTIONS.stream()).toList(),
              OffsetDpo::citation)
          .withNormalisation("mean over rows")
          .withLimits(
              "answers of one statement are dpo",
              "where the last statement alone differs, the margin is dpo's of the whole answers");

  private final Declaration declaration;
  private final double beta;
  private final ToDoubleFunction<RowInputs> offset;

  private OffsetDpo(Declaration declaration, double beta, ToDoubleFunction<RowInputs> offset) {
    this.declaration = declaration;
    this.beta = beta;
    this.offset = offset;
  }

  private static OffsetDpo odpo(Options options) {
    double alpha = options.number("alpha");
    String function = options.text("offset_fn");
    String bounds = function.equals("ratio") ? "> 0" : "";
    Declaration declaration =
        Pairs.againstReference(ODPO.name())
            .withNumbers(
                NumberColumn.required(CHOSEN_SCORE).within(bounds),
                NumberColumn.required(REJECTED_SCORE).within(bounds));
    return new OffsetDpo(
        declaration,
        options.number("beta"),
        row -> alpha * gap(function, row.scalar(CHOSEN_SCORE), row.scalar(REJECTED_SCORE)));
  }

  private static double gap(String function, double chosen, double rejected) {
    return switch (function) {
      case "log" -> StrictMath.log(Math.max(LEAST_GAP, chosen - rejected));
      case "identity" -> chosen - rejected;
      case "ratio" -> StrictMath.log(chosen) - StrictMath.log(rejected);
      default -> throw new IllegalArgumentException("no offset_fn '" + function + "'");
    };
  }

  private static OffsetDpo reverse(Options options) {
    double gamma = options.number("gamma");
    Declaration declaration =
        Pairs.againstReference(REVERSE_PO.name())
            .withNumbers(NumberColumn.required(GAP).within(">= 0"));
    return new OffsetDpo(declaration, options.number("beta"), row -> gamma * row.scalar(GAP));
  }

  private static OffsetDpo citation(Options options) {
    Declaration declaration =
        Pairs.againstReference(CITATION_APO.name())
            .withNumbers(NumberColumn.required(STATEMENT).within(">= 1"))
            .withProgression(Progression.of(options, STATEMENT));
    return new OffsetDpo(declaration, options.number("beta"), row -> 0);
  }

  @Override
  public Declaration declaration() {
    return declaration;
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar advantage = Pairs.margin(inputs).times(beta).minus(offset.applyAsDouble(inputs));
    return RowLoss.perRow(advantage.logSigmoid().negated()).plus(Pairs.metrics(inputs, beta));
  }
}
