package dev.collimate.objective;

import dev.collimate.objective.RowLoss.Over;
import java.util.Locale;

/**
 * The losses of a pair under the {@code loss_type} names of TRL 1.9's DPOTrainer, and {@code
 * conservative}, which is what {@code sigmoid} with smoothing was before. Notation: c and r are the
 * log-ratios of the chosen and the rejected side to the reference, C and R their f-divergence
 * scores, D = C - R, e the label smoothing.
 */
enum PairLoss {
  /** {@code -logsigmoid(beta D)}: DPO (Rafailov et al. 2023, arXiv:2305.18290, eq. 7). */
  SIGMOID {
    @Override
    Scalar of(Pair pair) {
      return pair.logit().logSigmoid().negated();
    }
  },
  /** cDPO (Mitchell 2023): a label is wrong with probability e. */
  CONSERVATIVE {
    @Override
    Scalar of(Pair pair) {
      return smoothed(pair.logit(), pair.smoothing());
    }
  },
  /** {@code max(0, 1 - beta D)} (Liu et al. 2023, arXiv:2309.06657). */
  HINGE {
    @Override
    Scalar of(Pair pair) {
      return pair.logit().negated().plus(1).relu();
    }
  },
  /** {@code (C/len - R/len - 1/(2 beta))^2} (Azar et al. 2023, arXiv:2310.12036, eq. 17). */
  IPO {
    @Override
    Scalar of(Pair pair) {
      return pair.meanMargin().minus(1 / (2 * pair.beta())).squared();
    }
  },
  /** {@code KL(sigmoid(beta D) || 1 - e)} (EXO, Ji et al. 2024, arXiv:2402.00856, eq. 16). */
  EXO_PAIR {
    @Override
    Scalar of(Pair pair) {
      Scalar win = pair.logit();
      Scalar loss = win.negated();
      double e = pair.smoothing();
      return win.sigmoid()
          .times(win.logSigmoid().minus(StrictMath.log1p(-e)))
          .plus(loss.sigmoid().times(loss.logSigmoid().minus(StrictMath.log(e))));
    }
  },
  /**
   * {@code -logsigmoid(beta C) - logsigmoid(-beta C) / 2 - logsigmoid(-beta R) / 2} (Chen et al.
   * 2024, arXiv:2402.05369).
   */
  NCA_PAIR {
    @Override
    Scalar of(Pair pair) {
      Scalar chosen = pair.chosenScore().times(pair.beta());
      Scalar rejected = pair.rejectedScore().times(pair.beta());
      return chosen
          .logSigmoid()
          .negated()
          .plus(chosen.softplus().times(0.5))
          .plus(rejected.softplus().times(0.5));
    }
  },
  /** rDPO: unbiased where labels flip with probability e (arXiv:2403.00409, eq. 12). */
  ROBUST {
    @Override
    Scalar of(Pair pair) {
      double e = pair.smoothing();
      Scalar asLabelled = pair.logit().logSigmoid().times(-(1 - e));
      Scalar flipped = pair.logit().negated().logSigmoid().times(-e);
      return asLabelled.minus(flipped).dividedBy(1 - 2 * e);
    }
  },
  /** {@code -logsigmoid(beta C) - logsigmoid(-beta R)} (Jung et al. 2024, arXiv:2404.04656). */
  BCO_PAIR {
    @Override
    Scalar of(Pair pair) {
      Scalar chosen = pair.chosenScore().times(pair.beta());
      Scalar rejected = pair.rejectedScore().times(pair.beta());
      return chosen.logSigmoid().negated().plus(rejected.softplus());
    }
  },
  /** {@code (C - 1/(2 beta))^2 + (R + 1/(2 beta))^2} (SPPO, Wu et al. 2024, arXiv:2405.00675). */
  SPPO_HARD {
    @Override
    Scalar of(Pair pair) {
      double half = 0.5 / pair.beta();
      return pair.chosenScore()
          .minus(half)
          .squared()
          .plus(pair.rejectedScore().plus(half).squared());
    }
  },
  /** Policy margins against the reference's, each sorted over the global batch. */
  AOT {
    @Override
    Scalar of(Pair pair) {
      Scalar gain = pair.policyMargin().minus(pair.match().referenceMargin());
      return smoothed(gain.times(pair.beta()), pair.smoothing());
    }

    @Override
    boolean sortsTheBatch() {
      return true;
    }
  },
  /**
   * Chosen log-ratios against rejected ones, each sorted over the global batch. The loss of a match
   * belongs to two rows: each says half of it, and derives all of it by its own side.
   */
  AOT_UNPAIRED {
    @Override
    Scalar of(Pair pair) {
      SortedMatch match = pair.match();
      Scalar ofChosen = pair.chosen().minus(match.rejected()).times(pair.beta());
      Scalar ofRejected = pair.rejected().negated().plus(match.chosen()).times(pair.beta());
      return half(smoothed(ofChosen, pair.smoothing()))
          .times(match.chosenShare())
          .plus(half(smoothed(ofRejected, pair.smoothing())).times(match.rejectedShare()));
    }

    @Override
    boolean sortsTheBatch() {
      return true;
    }

    private static Scalar half(Scalar loss) {
      return loss.map(loss.value() / 2, 1);
    }
  },
  /** {@code 1 - sigmoid(beta c) + sigmoid(beta r)} (APO, arXiv:2408.06266, eq. 7). */
  APO_ZERO {
    @Override
    Scalar of(Pair pair) {
      Scalar chosen = pair.chosen().times(-pair.beta()).sigmoid();
      return chosen.plus(pair.rejected().times(pair.beta()).sigmoid());
    }
  },
  /** {@code sigmoid(beta c) + 1 - sigmoid(beta D)} (APO, arXiv:2408.06266, eq. 8). */
  APO_DOWN {
    @Override
    Scalar of(Pair pair) {
      Scalar chosen = pair.chosen().times(pair.beta()).sigmoid();
      return chosen.plus(pair.logit().negated().sigmoid());
    }
  },
  /**
   * {@code (1 - m) (-logsigmoid(L)) + m e^-L} with L = beta D and m = sigmoid(L / tau) (Lu et al.
   * 2024, arXiv:2406.08414, eq. 5).
   */
  DISCOPOP {
    @Override
    Scalar of(Pair pair) {
      Scalar logit = pair.logit();
      Scalar modulated = logit.dividedBy(pair.tau());
      Scalar logistic = modulated.negated().sigmoid().times(logit.negated().softplus());
      // m e^-L as one exponential: its factors are 0 and infinite where the margin is very
      // negative.
      Scalar exponent = modulated.logSigmoid().minus(logit);
      return logistic.plus(exponent.clamp(Double.NEGATIVE_INFINITY, MAX_EXPONENT).exp());
    }
  },
  /** Cross-entropy of the chosen side, averaged over all its tokens of the step. */
  SFT {
    @Override
    Scalar of(Pair pair) {
      return pair.chosenTokens().sum().negated();
    }

    @Override
    Over over() {
      return new Over.Tokens("chosen");
    }
  },
  /**
   * {@code -logsigmoid(beta (C/len - R/len))}: length-normalised DPO (Tulu 3, arXiv:2411.15124).
   */
  SIGMOID_NORM {
    @Override
    Scalar of(Pair pair) {
      return pair.meanMargin().times(pair.beta()).logSigmoid().negated();
    }
  };

  private static final double MAX_EXPONENT = 80;

  /**
   * What a loss may read of a pair.
   *
   * @param chosen c
   * @param rejected r
   * @param chosenScore C
   * @param rejectedScore R
   * @param policyMargin log-probability of the chosen side less that of the rejected one
   * @param chosenTokens the policy's log-probabilities of the chosen side
   * @param rejectedTokens of the rejected side
   * @param match read by the losses that sort the batch alone
   * @param beta strength of the pull towards the reference
   * @param smoothing e
   * @param tau temperature of DiscoPOP
   */
  record Pair(
      Scalar chosen,
      Scalar rejected,
      Scalar chosenScore,
      Scalar rejectedScore,
      Scalar policyMargin,
      TokenLogProbs chosenTokens,
      TokenLogProbs rejectedTokens,
      SortedMatch match,
      double beta,
      double smoothing,
      double tau) {

    /** {@code beta D}. */
    Scalar logit() {
      return chosenScore.minus(rejectedScore).times(beta);
    }

    /** {@code C/len - R/len}. */
    Scalar meanMargin() {
      return chosenScore
          .dividedBy(chosenTokens.count())
          .minus(rejectedScore.dividedBy(rejectedTokens.count()));
    }
  }

  /** The loss of a pair, not divided by anything. */
  abstract Scalar of(Pair pair);

  /** What the losses of a step's pairs are averaged over. */
  Over over() {
    return new Over.Rows();
  }

  boolean sortsTheBatch() {
    return false;
  }

  String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  static PairLoss named(String key) {
    return valueOf(key.toUpperCase(Locale.ROOT));
  }

  /** {@code -(1 - e) logsigmoid(L) - e logsigmoid(-L)}. */
  static Scalar smoothed(Scalar logit, double smoothing) {
    return logit
        .logSigmoid()
        .times(-(1 - smoothing))
        .plus(logit.negated().logSigmoid().times(-smoothing));
  }
}
