package dev.collimate.reward;

import dev.collimate.objective.ObjectiveOption;
import dev.collimate.objective.ObjectiveSpec.Rule;
import dev.collimate.objective.Options;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A line of the table of rewards, from which validation, help and the guide come.
 *
 * @param name as in the run file
 * @param meaning what it rewards, in a sentence or a few
 * @param source whose meaning the name has
 * @param runs where its calls run
 * @param limits how it is asked where the run file does not say
 * @param columnsRead the columns that rows must have, by options
 * @param options its own ones, in the order of help
 * @param rules what options must keep to beside each other
 * @param create called once for checked options; what it gives is asked for a function by every
 *     thread that scores, and may hand the same one to all where that is safe
 */
public record RewardSpec(
    String name,
    String meaning,
    String source,
    Runs runs,
    RewardLimits limits,
    Function<Options, List<String>> columnsRead,
    List<ObjectiveOption> options,
    List<Rule> rules,
    BiFunction<Options, RewardContext, Supplier<RewardFunction>> create) {

  /** Where the calls of a reward run. */
  public enum Runs {
    /** On threads of the driver, under the reward's timeout. */
    ON_THE_DRIVER,
    /** As work of the executors; calls have no timeout, since lost work is given out again. */
    ON_EXECUTORS
  }

  public RewardSpec {
    options = List.copyOf(options);
    rules = List.copyOf(rules);
  }

  /**
   * A reward on the driver that reads no column, with a function of its own for every thread.
   *
   * @param create from options that were checked
   */
  public static RewardSpec of(
      String name,
      String meaning,
      String source,
      List<ObjectiveOption> options,
      Function<Options, RewardFunction> create) {
    return new RewardSpec(
        name,
        meaning,
        source,
        Runs.ON_THE_DRIVER,
        RewardLimits.USUAL,
        values -> List.of(),
        options,
        List.of(),
        (values, context) -> () -> create.apply(values));
  }

  /**
   * The reward that reads columns.
   *
   * @param columns that rows must have, by options
   */
  public RewardSpec withColumns(Function<Options, List<String>> columns) {
    return new RewardSpec(name, meaning, source, runs, limits, columns, options, rules, create);
  }

  public RewardSpec withRules(List<Rule> given) {
    return new RewardSpec(name, meaning, source, runs, limits, columnsRead, options, given, create);
  }

  /** A pure function of a row, which threads may share. */
  static RewardSpec pure(
      String name,
      String meaning,
      String source,
      Function<Options, List<String>> columnsRead,
      List<ObjectiveOption> options,
      List<Rule> rules,
      Function<Options, RowFunction> create) {
    return new RewardSpec(
        name,
        meaning,
        source,
        Runs.ON_THE_DRIVER,
        RewardLimits.USUAL,
        columnsRead,
        options,
        rules,
        (values, context) -> {
          RewardFunction function = create.apply(values).ofRows();
          return () -> function;
        });
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

  /** The columns that every row must have with these options. */
  public List<String> columns(Options values) {
    return columnsRead.apply(values);
  }
}
