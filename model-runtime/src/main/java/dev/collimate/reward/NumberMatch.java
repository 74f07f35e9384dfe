package dev.collimate.reward;

import dev.collimate.objective.ObjectiveOption;
import dev.collimate.objective.ObjectiveSpec.Rule;
import dev.collimate.objective.Options;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.Optional;

/**
 * Whether the number that a completion arrives at is the right one.
 *
 * @param markedOnly whether only numbers in {@code \boxed} or after {@code ####} count
 * @param decimalComma whether numbers are written as 1.234,5
 */
record NumberMatch(
    AnswerPart part,
    boolean markedOnly,
    boolean decimalComma,
    BigDecimal tolerance,
    BigDecimal relativeTolerance)
    implements Correctness {

  static final List<ObjectiveOption> OPTIONS =
      List.of(
          AnswerPart.COLUMN,
          AnswerPart.PATTERN,
          ObjectiveOption.choice(
              "extract",
              List.of("any", "marked"),
              List.of("any", "marked"),
              "`any`: the number in the last `\\boxed{}`, else after the last `####`, else the last one; `marked`: without the last of these."),
          ObjectiveOption.choice(
              "decimal",
              List.of("point", "comma"),
              List.of("point", "comma"),
              "What stands before decimals; the other separates thousands."),
          ObjectiveOption.number(
              "tolerance", 1.0e-6, ">= 0", "The largest difference that is none."),
          ObjectiveOption.number(
              "relative_tolerance",
              0.0,
              ">= 0",
              "This times the right number is added to the tolerance."));

  static final RewardSpec SPEC =
      RewardSpec.pure(
          "number_match",
          "1 where the completion's number is that of the column, else 0. Signs, currencies, thousands separators, decimals, fractions, powers and LaTeX are read, units after the number are not; a percentage equals the number before its sign and a hundredth of it. It does not apply where the column has no number.",
          "Own; the column may hold a solution that ends as GSM8K's",
          AnswerPart::columns,
          OPTIONS,
          List.of(
              AnswerPart.COMPILES,
              new Rule("column", "must be given", options -> !options.text("column").isEmpty())),
          options -> of(options).by(options.text("column")));

  private static final BigDecimal HUNDRED = BigDecimal.valueOf(100);

  static NumberMatch of(Options options) {
    return new NumberMatch(
        AnswerPart.of(options),
        options.text("extract").equals("marked"),
        options.text("decimal").equals("comma"),
        BigDecimal.valueOf(options.number("tolerance")),
        BigDecimal.valueOf(options.number("relative_tolerance")));
  }

  @Override
  public Optional<Boolean> isRight(String completion, String gold) {
    return FinalNumber.in(gold, false, decimalComma)
        .map(
            right ->
                part.in(completion)
                    .flatMap(answer -> FinalNumber.in(answer, markedOnly, decimalComma))
                    .filter(said -> isEqual(said, right))
                    .isPresent());
  }

  /** A percentage also equals its hundredth, but not another percentage's number. */
  private boolean isEqual(WrittenNumber said, WrittenNumber right) {
    if (isNear(said.value(), right.value())) {
      return true;
    }
    if (said.isPercent() == right.isPercent()) {
      return false;
    }
    return said.isPercent()
        ? isNear(said.value().divide(HUNDRED, MathContext.DECIMAL128), right.value())
        : isNear(said.value(), right.value().divide(HUNDRED, MathContext.DECIMAL128));
  }

  private boolean isNear(BigDecimal said, BigDecimal right) {
    BigDecimal allowed = tolerance.add(relativeTolerance.multiply(right.abs()));
    return said.subtract(right).abs().compareTo(allowed) <= 0;
  }
}
