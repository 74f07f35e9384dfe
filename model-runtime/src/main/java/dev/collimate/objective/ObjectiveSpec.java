package dev.collimate.objective;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * A line of the table of objectives, from which validation and help come.
 *
 * @param name as in the run file
 * @param formula the loss of a row, in ASCII
 * @param source paper, and whose meaning the name has
 * @param options in the order of help
 * @param rules what options must keep to beside each other
 * @param create makes the objective from options that were checked
 */
public record ObjectiveSpec(
    String name,
    String formula,
    String source,
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
    options = List.copyOf(options);
    rules = List.copyOf(rules);
  }

  public ObjectiveSpec(
      String name,
      String formula,
      String source,
      List<ObjectiveOption> options,
      Function<Options, Objective> create) {
    this(name, formula, source, options, List.of(), create);
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
}
