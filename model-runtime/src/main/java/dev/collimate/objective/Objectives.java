package dev.collimate.objective;

import dev.collimate.CollimateException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The table of objectives: what can be named in a run file. */
public final class Objectives {

  private static final List<ObjectiveSpec> TABLE =
      List.of(
          Sft.SPEC,
          WithDegree.of(WithRationale.of(Dpo.SPEC)),
          Wpo.SPEC,
          OffsetDpo.ODPO,
          OffsetDpo.REVERSE_PO,
          OffsetDpo.CITATION_APO,
          Madpo.SPEC,
          Napo.SPEC,
          BetaDpo.SPEC,
          Dppo.SPEC,
          Poft.SPEC,
          GroupRobust.GR_DPO,
          GroupRobust.GR_IPO,
          RelativePo.SPEC,
          Mapl.SPEC,
          WeightedSimpo.SPEC,
          SparsePo.SPEC,
          Kto.SPEC,
          Kto.APO_ZERO_UNPAIRED,
          Bco.SPEC,
          WithRationale.of(Orpo.SPEC),
          ReferenceFreePair.CPO,
          ReferenceFreePair.SIMPO,
          ReferenceFreePair.ALPHAPO,
          ReferenceFreePair.TPO,
          Pointwise.DPO,
          Pointwise.ULMA,
          Pointwise.REGRESSION,
          Pmpo.SPEC,
          GeneralPreferencePo.SPEC,
          WithContrast.of(Reward.SPEC),
          RankList.SPEC,
          GeneralPreference.SPEC,
          Grpo.SPEC,
          Rloo.SPEC,
          ReinforcePlusPlus.SPEC,
          Ppo.SPEC,
          OnlineDpo.SPEC,
          OnlineDpo.XPO,
          NashMd.SPEC,
          DoublyRobust.SPEC);

  private static final List<String> NOT_BUILT = List.of("gkd", "prm");

  private static final String NEEDS_LANGUAGE_HEAD =
      ": it is of the chosen text's log-probability, and a sequence classifier has no head for it";

  private static final Map<String, String> NOT_BUILT_OPTIONS =
      Map.of(
          "loss_scale",
          "",
          "meta_rm",
          ": the gradient that a step applies would be taken at other weights than its own, those"
              + " moved along a first gradient on sampled answers (MetaRM, arXiv:2405.00438), and a"
              + " step gives out one version of the weights",
          "add_pretrain_loss",
          NEEDS_LANGUAGE_HEAD,
          "ptx_loss_coef",
          NEEDS_LANGUAGE_HEAD);

  private static List<ObjectiveSpec> all = List.of();

  private Objectives() {}

  /**
   * The objectives that are built, then those of the user's jars.
   *
   * @throws CollimateException of kind USAGE where one of a user's jar cannot be loaded
   */
  public static synchronized List<ObjectiveSpec> table() {
    if (all.isEmpty()) {
      // Spark puts the user's jars under the context class loader, of the driver and of tasks.
      all = ProvidedObjectives.after(TABLE, Thread.currentThread().getContextClassLoader());
    }
    return all;
  }

  /** Names that TRL's users know and that are not built yet. */
  public static List<String> notBuilt() {
    return NOT_BUILT;
  }

  /**
   * Options that TRL's users or papers know, of objectives present or not, and that are not built
   * yet; with what stands after that, such as why.
   */
  public static Map<String, String> notBuiltOptions() {
    return NOT_BUILT_OPTIONS;
  }

  public static Optional<ObjectiveSpec> find(String name) {
    return table().stream().filter(spec -> spec.name().equals(name)).findFirst();
  }

  /**
   * Makes the objective.
   *
   * @param options values that were checked against the table; the rest have their defaults
   */
  public static Objective create(String name, Map<String, Object> options) {
    ObjectiveSpec spec =
        find(name)
            .orElseThrow(
                () ->
                    CollimateException.usage(
                        "objective.name: must be one of "
                            + table().stream()
                                .map(ObjectiveSpec::name)
                                .collect(Collectors.joining(", "))
                            + ", got '"
                            + name
                            + "'"));
    Map<String, Object> values = spec.defaults();
    options.forEach(
        (option, value) -> {
          if (values.replace(option, value) == null) {
            throw CollimateException.usage("objective." + option + ": has no effect on " + name);
          }
        });
    Options all = new Options(values);
    for (ObjectiveSpec.Rule rule : spec.rules()) {
      if (!rule.holds().test(all)) {
        throw CollimateException.usage("objective." + rule.option() + ": " + rule.must());
      }
    }
    return spec.create().apply(all);
  }
}
