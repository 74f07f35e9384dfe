package dev.collimate.objective;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/** The options of {@code dpo}: TRL's names, defaults and ranges. */
final class DpoOptions {

  private static final List<ObjectiveOption> OF_LOSS =
      List.of(
          ObjectiveOption.choices(
              "loss_type",
              keys(EnumSet.allOf(PairLoss.class)),
              "The loss of a pair, or a mixture of several. `sigmoid` takes no label smoothing, as"
                  + " in TRL 1.9: with it it is `conservative` (cDPO). `aot` and `aot_unpaired` sort"
                  + " the global batch."),
          ObjectiveOption.numbers(
              "loss_weights",
              List.of(),
              ">= 0",
              "Weights of a mixture, in the order of `loss_type`; `[]`: all 1."),
          ObjectiveOption.number(
              "beta", 0.1, "> 0", "Strength of the pull towards the reference model."),
          ObjectiveOption.number(
                  "label_smoothing",
                  0.0,
                  ">= 0 and < 0.5",
                  "Probability that a label is wrong; `exo_pair` needs one above 0, usually 1e-3.")
              .onlyWith(
                  "loss_type",
                  keys(
                      EnumSet.of(
                          PairLoss.CONSERVATIVE,
                          PairLoss.EXO_PAIR,
                          PairLoss.ROBUST,
                          PairLoss.AOT,
                          PairLoss.AOT_UNPAIRED))),
          ObjectiveOption.choice(
                  "f_divergence_type",
                  divergences(),
                  divergences(),
                  "The divergence from the reference model whose derivative scores a log-ratio.")
              .onlyWith(
                  "loss_type",
                  keys(
                      EnumSet.complementOf(
                          EnumSet.of(
                              PairLoss.AOT,
                              PairLoss.AOT_UNPAIRED,
                              PairLoss.APO_ZERO,
                              PairLoss.SFT)))),
          ObjectiveOption.number(
                  "f_alpha_divergence_coef", 0.5, "", "Alpha of the alpha-divergence.")
              .onlyWith(
                  "f_divergence_type",
                  List.of(FDivergence.ALPHA_DIVERGENCE.name().toLowerCase(Locale.ROOT))),
          ObjectiveOption.number("discopop_tau", 0.05, "> 0", "Temperature of DiscoPOP's blend.")
              .onlyWith("loss_type", keys(EnumSet.of(PairLoss.DISCOPOP))),
          ObjectiveOption.number(
              "ld_alpha",
              1.0,
              ">= 0 and <= 1",
              "LD-DPO: weight of the tokens beyond the length of the shorter side; 1: DPO. Below 1 the"
                  + " reference's log-prob of every token is kept, 4 bytes a counted token in the"
                  + " reference store and on the driver's heap."),
          ObjectiveOption.flag(
              "use_weighting",
              false,
              "WPO: weigh each pair by how likely the policy is to write it, without bound, as TRL"
                  + " does; not with `aot`, `aot_unpaired`, `sft` or `rpo_alpha`."),
          ObjectiveOption.number(
              "rpo_alpha",
              0.0,
              ">= 0",
              "Weight of the chosen side's cross-entropy, added to the loss; the same as `sft` in a"
                  + " mixture."),
          ObjectiveOption.flag(
              "reference_free", false, "Take a reference of probability 1: no model is compared."));

  static final List<ObjectiveOption> ALL =
      Stream.concat(OF_LOSS.stream(), ReferenceSync.OPTIONS.stream()).toList();

  private static final Set<PairLoss> NOT_WEIGHTED =
      EnumSet.of(PairLoss.AOT, PairLoss.AOT_UNPAIRED, PairLoss.SFT);

  static final List<ObjectiveSpec.Rule> RULES =
      List.of(
          new ObjectiveSpec.Rule(
              "loss_weights",
              "must be as many as loss_type has names",
              options ->
                  options.numbers("loss_weights").isEmpty()
                      || options.numbers("loss_weights").size()
                          == options.texts("loss_type").size()),
          new ObjectiveSpec.Rule(
              "label_smoothing",
              "must be > 0 with loss_type exo_pair; usual is 1e-3",
              options ->
                  options.number("label_smoothing") > 0
                      || !options.texts("loss_type").contains(PairLoss.EXO_PAIR.key())),
          new ObjectiveSpec.Rule(
              ReferenceSync.SYNC,
              "excludes reference_free; leave one of them out",
              options -> !options.flag(ReferenceSync.SYNC) || !options.flag("reference_free")),
          // A sorted batch has no pairs, and a mean over tokens no weight of its own.
          new ObjectiveSpec.Rule(
              "use_weighting",
              "excludes loss_type "
                  + String.join(", ", keys(NOT_WEIGHTED))
                  + " and rpo_alpha; leave one of them out",
              options ->
                  !options.flag("use_weighting")
                      || (options.number("rpo_alpha") == 0
                          && options.texts("loss_type").stream()
                              .map(PairLoss::named)
                              .noneMatch(NOT_WEIGHTED::contains))));

  private DpoOptions() {}

  private static List<String> keys(Set<PairLoss> losses) {
    return losses.stream().map(PairLoss::key).toList();
  }

  private static List<String> divergences() {
    return Arrays.stream(FDivergence.values())
        .map(divergence -> divergence.name().toLowerCase(Locale.ROOT))
        .toList();
  }
}
