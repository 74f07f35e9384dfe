package dev.collimate.objective;

import java.util.List;

/**
 * Direct preference-based policy optimization: the policy is to be nearer to the chosen completion
 * than to the rejected one, by the distance {@code d = -logp / tokens}: {@code softplus((d_c - lam
 * * d_r) / temperature)}. Pairs are formed within one prompt's list alone; a row is such a pair.
 */
final class Dppo implements Objective {

  static final ObjectiveSpec SPEC =
      new ObjectiveSpec(
              "dppo",
              "softplus((d_c - lam * d_r) / temperature), d = -logp / tokens",
              "An et al. 2023, Direct Preference-based Policy Optimization without Reward Modeling,"
                  + " arXiv:2301.12842, with a distance for language models (experimental)",
              List.of(
                  ObjectiveOption.number(
                      "lam",
                      1.0,
                      ">= 0 and <= 1",
                      "Below 1 nearness to the rejected completion costs less; 0: imitation of the"
                          + " chosen one."),
                  ObjectiveOption.number(
                      "temperature", 0.1, "> 0", "Divides the difference of the distances.")),
              Dppo::new)
          .withNormalisation("mean over rows")
          .withLimits(
              "lam: 1 is simpo with beta: 1 / temperature and simpo_gamma: 0",
              "lam: 0 has no gradient through the rejected completion");

  private static final Declaration DECLARATION = Pairs.referenceFree(SPEC.name());

  private final double lam;
  private final double temperature;

  private Dppo(Options options) {
    lam = options.number("lam");
    temperature = options.number("temperature");
  }

  @Override
  public Declaration declaration() {
    return DECLARATION;
  }

  @Override
  public RowLoss row(RowInputs inputs) {
    Scalar chosen = inputs.policy(Pairs.CHOSEN).mean().negated();
    Scalar rejected = inputs.policy(Pairs.REJECTED).mean().negated();
    Scalar difference = chosen.minus(rejected.times(lam)).dividedBy(temperature);
    return RowLoss.perRow(difference.softplus()).plus(Pairs.meanMetrics(inputs, 1 / temperature));
  }
}
