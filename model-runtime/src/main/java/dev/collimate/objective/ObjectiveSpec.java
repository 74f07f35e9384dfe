package dev.collimate.objective;

import dev.collimate.CollimateException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * A line of the table of objectives, from which validation, help and the guide come.
 *
 * @param name as in the run file
 * @param formula the loss of a row, in ASCII
 * @param source paper, and whose meaning the name has
 * @param normalisation what the rows' losses are divided by, such as {@code "mean over rows"}
 * @param limits which objective it equals at which setting, a clause each, such as {@code "alpha: 0
 *     is dpo"}
 * @param options in the order of help
 * @param rules what options must keep to beside each other
 * @param create makes the objective from options that were checked
 */
public record ObjectiveSpec(
    String name,
    String formula,
    String source,
    String normalisation,
    List<String> limits,
    List<ObjectiveOption> options,
    List<Rule> rules,
    Function<Options, Objective> create) {

  /**
   * A rule over several options.
   *
   * @param option the one that is named where it is broken
   * @param must what is to be said then
   */
  public record Rule(String option, String must, Predicate<Options> holds) {}

  public ObjectiveSpec {
    limits = List.copyOf(limits);
    options = List.copyOf(options);
    rules = List.copyOf(rules);
  }

  /** A mean over rows without rules, of which no limit is known. */
  public ObjectiveSpec(
      String name,
      String formula,
      String source,
      List<ObjectiveOption> options,
      Function<Options, Objective> create) {
    this(name, formula, source, "mean over rows", List.of(), options, List.of(), create);
  }

  public ObjectiveSpec withNormalisation(String denominators) {
    return new ObjectiveSpec(name, formula, source, denominators, limits, options, rules, create);
  }

  /** States these limits too. */
  public ObjectiveSpec withLimits(String... added) {
    List<String> all = new ArrayList<>(limits);
    all.addAll(Arrays.asList(added));
    return new ObjectiveSpec(name, formula, source, normalisation, all, options, rules, create);
  }

  public ObjectiveSpec withRules(List<Rule> given) {
    return new ObjectiveSpec(name, formula, source, normalisation, limits, options, given, create);
  }

  /** The objective with further options, made by another function. */
  ObjectiveSpec withOptions(List<ObjectiveOption> added, Function<Options, Objective> by) {
    List<ObjectiveOption> all = new ArrayList<>(options);
    all.addAll(added);
    return new ObjectiveSpec(name, formula, source, normalisation, limits, all, rules, by);
  }

  public Optional<ObjectiveOption> option(String optionName) {
    return options.stream().filter(option -> option.name().equals(optionName)).findFirst();
  }

  /** Every option by name with its default. */
  public Map<String, Object> defaults() {
    Map<String, Object> defaults = new LinkedHashMap<>();
    options.forEach(option -> defaults.put(option.name(), option.usual()));
    return defaults;
  }

  /** Whether the objective, as it is by default, reads the reference model. */
  public boolean needsReference() {
    return declaration(defaults()).reference() != ReferenceUse.NONE;
  }

  /** Whether the objective learns from completions of its own policy. */
  public boolean isOnline() {
    return declaration(defaults()).isOnline();
  }

  /** Whether the objective trains a model that gives scores of sequences. */
  public boolean trainsRewardModel() {
    return declaration(defaults()).scores() > 0;
  }

  /**
   * What the objective needs.
   *
   * @param values of every option
   */
  public Declaration declaration(Map<String, Object> values) {
    return create.apply(new Options(values)).declaration();
  }

  /** What the objective reads as it is by default. */
  public ObjectiveInputs inputs() {
    return ObjectiveInputs.of(declaration(defaults()));
  }

  /** What it reads instead with one option set otherwise, where that differs; by the setting. */
  public Map<String, ObjectiveInputs> inputsByOption() {
    Map<String, ObjectiveInputs> inputs = new LinkedHashMap<>();
    for (ObjectiveOption option : options) {
      Set<ObjectiveInputs> said = new HashSet<>(Set.of(inputs()));
      boolean isNumber = option.kind() == ObjectiveOption.Kind.NUMBER;
      for (ObjectiveOption.Setting other : option.others()) {
        // Any other number speaks for 0 too where both read the same.
        inputsWith(option.name(), other.value())
            .filter(read -> isNumber ? said.add(read) : !said.contains(read))
            .ifPresent(read -> inputs.put(other.words(), read));
      }
    }
    return inputs;
  }

  /** Empty where the options do not go together. */
  private Optional<ObjectiveInputs> inputsWith(String option, Object value) {
    Map<String, Object> values = defaults();
    values.put(option, value);
    Options all = new Options(values);
    if (!rules.stream().allMatch(rule -> rule.holds().test(all))) {
      return Optional.empty();
    }
    try {
      return Optional.of(ObjectiveInputs.of(create.apply(all).declaration()));
    } catch (CollimateException e) {
      return Optional.empty();
    }
  }
}
