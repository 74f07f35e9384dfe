package dev.collimate.objective;

import dev.collimate.CollimateException;
import dev.collimate.parameters.FlatVector;
import java.util.List;
import java.util.Optional;

/**
 * A reference that follows the policy (TR-DPO, Gorbatovski et al. 2024, arXiv:2404.09656), as TRL's
 * SyncRefModelCallback has it: after every so many steps {@code reference = mixup * policy + (1 -
 * mixup) * reference}.
 *
 * @param mixup 0 leaves the reference as it is, 1 makes it the policy
 * @param steps between two such updates
 */
public record ReferenceSync(double mixup, int steps) {

  static final String SYNC = "sync_ref_model";
  private static final String MIXUP = "ref_model_mixup_alpha";
  private static final String STEPS = "ref_model_sync_steps";

  /** TRL's options and defaults. */
  static final List<ObjectiveOption> OPTIONS =
      List.of(
          ObjectiveOption.flag(
              SYNC,
              false,
              "TR-DPO: mix the policy into the reference every `ref_model_sync_steps` steps; not with"
                  + " an adapter, and with `reference_model: initial` alone. The reference's"
                  + " log-probs of the rows to come are computed at once after each time."),
          ObjectiveOption.number(
                  MIXUP, 0.6, ">= 0 and <= 1", "The policy's share when it is mixed in.")
              .onlyWith(SYNC, List.of("true")),
          ObjectiveOption.number(STEPS, 512.0, ">= 1", "Steps between two times.")
              .onlyWith(SYNC, List.of("true")));

  /**
   * What the options say; empty where the reference stays.
   *
   * @throws CollimateException of kind USAGE where the steps are no whole number
   */
  static Optional<ReferenceSync> of(Options options) {
    if (!options.flag(SYNC)) {
      return Optional.empty();
    }
    double steps = options.number(STEPS);
    if (steps != Math.rint(steps)) {
      throw CollimateException.usage(
          "objective.%s: must be a whole number, got %s".formatted(STEPS, steps));
    }
    return Optional.of(new ReferenceSync(options.number(MIXUP), (int) Math.min(steps, 1 << 30)));
  }

  /** Whether the reference is another after a step than before it. */
  public boolean isAfter(long step) {
    return step > 0 && step % steps == 0;
  }

  /** How often the reference was updated when a number of steps is done. */
  public long updates(long stepsDone) {
    return stepsDone / steps;
  }

  /** Updates the reference, in float32, as torch does. */
  public void mix(FlatVector reference, FlatVector policy) {
    float share = (float) mixup;
    float rest = (float) (1 - mixup);
    for (int b = 0; b < reference.blockCount(); b++) {
      float[] mixed = reference.block(b);
      float[] added = policy.block(b);
      for (int i = 0; i < mixed.length; i++) {
        mixed[i] = mixed[i] * rest + added[i] * share;
      }
    }
  }
}
