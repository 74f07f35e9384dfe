package dev.collimate.objective;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * A line of the table of objectives, from which validation and help come.
 *
 * @param name as in the run file
 * @param formula the loss of a row, in ASCII
 * @param source paper, and whose meaning the name has
 * @param options in the order of help, those not built yet included
 * @param create makes the objective from checked options
 */
public record ObjectiveSpec(
    String name,
    String formula,
    String source,
    List<OptionSpec> options,
    Function<Options, Objective> create) {

  public ObjectiveSpec {
    options = List.copyOf(options);
  }

  public static ObjectiveSpec of(
      String name,
      String formula,
      String source,
      Function<Options, Objective> create,
      OptionSpec... options) {
    return new ObjectiveSpec(name, formula, source, List.of(options), create);
  }

  /** The options that can be given. */
  public Stream<OptionSpec> supportedOptions() {
    return options.stream().filter(option -> !(option instanceof OptionSpec.Later));
  }

  Optional<OptionSpec> option(String optionName) {
    return options.stream().filter(option -> option.name().equals(optionName)).findFirst();
  }
}
