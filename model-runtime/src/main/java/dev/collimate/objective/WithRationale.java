package dev.collimate.objective;

import dev.collimate.text.FurtherSequence;
import java.util.List;
import java.util.Locale;

/**
 * An objective on pairs that also learns to say why the chosen answer is better: with R the
 * log-probability of the column {@code rationale} after a prompt made of question and answers,
 * {@code -rationale_weight * R} or {@code softplus(-rationale_weight * R)} is added to each row's
 * loss (Just et al. 2024, arXiv:2407.14477). The term does not read the reference.
 */
final class WithRationale extends Extended {

  private static final String ROLE = "rationale";
  private static final String WEIGHT = "rationale_weight";
  private static final String LOSS = "rationale_loss";
  private static final String TEMPLATE = "rationale_template";

  /** How R becomes a loss. */
  private enum Form {
    /** The paper's. */
    NLL {
      @Override
      Scalar of(TokenLogProbs rationale, double weight) {
        return rationale.sum().times(-weight);
      }
    },
    /** Of the code released for DPO; its gradient is half as large at first. */
    LOGSIGMOID {
      @Override
      Scalar of(TokenLogProbs rationale, double weight) {
        return rationale.sum().times(weight).logSigmoid().negated();
      }
    },
    /** Of the code released for ORPO. */
    MEAN_NLL {
      @Override
      Scalar of(TokenLogProbs rationale, double weight) {
        return rationale.mean().times(-weight);
      }
    };

    abstract Scalar of(TokenLogProbs rationale, double weight);
  }

  private static final List<ObjectiveOption> OPTIONS =
      List.of(
          ObjectiveOption.number(
              WEIGHT,
              0.0,
              ">= 0",
              "Weight of learning the column rationale too (arXiv:2407.14477); 0: it is not read."),
          ObjectiveOption.choice(
              LOSS,
              List.of("nll", "logsigmoid", "mean_nll"),
              List.of("nll", "logsigmoid", "mean_nll"),
              "`nll`: minus its weighted log-probability; `logsigmoid`: -logsigmoid of that;"
                  + " `mean_nll`: as `nll`, over its number of tokens."),
          ObjectiveOption.text(
              TEMPLATE,
              "Question: {prompt} Answer A: {chosen} Answer B: {rejected} Why is answer A better?",
              "The rationale's prompt, in which columns stand in braces."));

  private final Options options;
  private final Form form;
  private final double weight;

  private WithRationale(Objective base, Options options) {
    super(base);
    this.options = options;
    this.form = Form.valueOf(options.text(LOSS).toUpperCase(Locale.ROOT));
    this.weight = options.number(WEIGHT);
  }

  /** The objective with the options of a rationale; without a weight it is the objective itself. */
  static ObjectiveSpec of(ObjectiveSpec pairs) {
    return of(pairs, OPTIONS, WEIGHT, (base, options) -> new WithRationale(base, options))
        .withLimits("rationale_weight: 0 is the objective without a rationale");
  }

  @Override
  public Declaration declaration() {
    return base()
        .declaration()
        .withSequences(new FurtherSequence(ROLE, options.text(TEMPLATE), ROLE))
        .withoutReferenceOf(ROLE);
  }

  @Override
  public Objective over(TrainingSet rows) {
    return new WithRationale(base().over(rows), options);
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    TokenLogProbs rationale = inputs.policy(ROLE);
    return base()
        .row(inputs)
        .plus(RowLoss.perRow(form.of(rationale, weight)))
        .report("rationale_nll", -rationale.sum().value(), rationale.count());
  }
}
