package dev.collimate.reward;

import dev.collimate.CollimateException;
import dev.collimate.objective.ObjectiveSpec;
import dev.collimate.objective.Options;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/** The table of rewards: what can be named in a run file. */
public final class RewardFunctions {

  private static final List<RewardSpec> BUILT =
      List.of(
          TextMatch.EXACT,
          TextMatch.NORMALIZED,
          NumberMatch.SPEC,
          PatternReward.REGEX,
          PatternReward.THINK_FORMAT,
          LengthReward.SOFT_OVERLONG_PUNISHMENT,
          LengthReward.COSINE,
          RepetitionPenalty.SPEC,
          ModelReward.SPEC,
          Judge.SPEC);

  private RewardFunctions() {}

  /** The rewards that come with Collimate. */
  public static List<RewardSpec> built() {
    return BUILT;
  }

  /**
   * The rewards that come with Collimate, then those that the user's jars name.
   *
   * @throws CollimateException of kind USAGE where one of a user's jar cannot be loaded
   */
  public static List<RewardSpec> table() {
    // Spark puts the user's jars under the context class loader.
    return withProvided(BUILT, Thread.currentThread().getContextClassLoader());
  }

  /** The names of the table, as a message lists them. */
  static String names() {
    return table().stream().map(RewardSpec::name).collect(Collectors.joining(", "));
  }

  /**
   * The reward of a name: of the table, or where the name has a dot the class in a user's jar.
   *
   * @throws CollimateException of kind USAGE where the class is there but is no reward, or cannot
   *     be made
   */
  public static Optional<RewardSpec> find(String name) {
    Optional<RewardSpec> named = table().stream().filter(s -> s.name().equals(name)).findFirst();
    return named.isPresent() || !name.contains(".")
        ? named
        : ofClass(name, Thread.currentThread().getContextClassLoader());
  }

  /**
   * Every option's value, where those given go together.
   *
   * @param given of the kinds' types
   * @throws CollimateException of kind USAGE
   */
  static Options options(RewardSpec spec, Map<String, Object> given) {
    Map<String, Object> values = spec.defaults();
    given.forEach(
        (option, value) -> {
          if (values.replace(option, value) == null) {
            throw CollimateException.usage(
                "rewards: '%s' is no option of %s".formatted(option, spec.name()));
          }
        });
    Options all = new Options(values);
    for (ObjectiveSpec.Rule rule : spec.rules()) {
      if (!rule.holds().test(all)) {
        throw CollimateException.usage(
            "rewards: %s of %s: %s".formatted(rule.option(), spec.name(), rule.must()));
      }
    }
    return all;
  }

  static List<RewardSpec> withProvided(List<RewardSpec> built, ClassLoader loader) {
    List<RewardSpec> all = new ArrayList<>(built);
    Map<String, String> owners = new HashMap<>();
    built.forEach(spec -> owners.put(spec.name(), "Collimate"));
    try {
      for (RewardProvider provider : ServiceLoader.load(RewardProvider.class, loader)) {
        RewardSpec spec = provider.spec();
        String name = provider.getClass().getName();
        String owner = owners.putIfAbsent(spec.name(), name);
        if (owner != null) {
          throw CollimateException.usage(
              "rewards: '%s' of %s is taken by %s; give it another name"
                  .formatted(spec.name(), name, owner));
        }
        all.add(spec);
      }
    } catch (ServiceConfigurationError e) {
      throw new CollimateException(
          CollimateException.Kind.USAGE,
          "a reward of a jar given with --jars cannot be loaded: %s; see META-INF/services/%s there"
              .formatted(e.getMessage(), RewardProvider.class.getName()),
          e);
    }
    return List.copyOf(all);
  }

  private static Optional<RewardSpec> ofClass(String name, ClassLoader loader) {
    Class<?> type;
    try {
      type = Class.forName(name, true, loader);
    } catch (ClassNotFoundException e) {
      return Optional.empty();
    } catch (LinkageError e) {
      throw cannotMake(name, e);
    }
    if (RewardProvider.class.isAssignableFrom(type)) {
      return Optional.of(((RewardProvider) instance(type)).spec());
    }
    if (!RewardFunction.class.isAssignableFrom(type)) {
      throw CollimateException.usage(
          "rewards: class %s is neither a %s nor a %s"
              .formatted(name, RewardFunction.class.getName(), RewardProvider.class.getName()));
    }
    instance(type);
    return Optional.of(
        new RewardSpec(
            name,
            "A class of the user's own.",
            "own",
            RewardSpec.Runs.ON_THE_DRIVER,
            RewardLimits.USUAL,
            options -> List.of(),
            List.of(),
            List.of(),
            (options, context) -> () -> (RewardFunction) instance(type)));
  }

  private static Object instance(Class<?> type) {
    try {
      return type.getConstructor().newInstance();
    } catch (ReflectiveOperationException | LinkageError e) {
      throw cannotMake(type.getName(), e);
    }
  }

  private static CollimateException cannotMake(String name, Throwable e) {
    Throwable cause = e.getCause() == null ? e : e.getCause();
    return new CollimateException(
        CollimateException.Kind.USAGE,
        "rewards: cannot make a %s with its constructor without arguments, which must be public: %s"
            .formatted(name, cause),
        e);
  }
}
