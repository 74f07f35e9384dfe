package dev.collimate.cli;

import dev.collimate.CollimateException;
import dev.collimate.inference.SelectRows;
import dev.collimate.inference.SelectRows.Selection;
import dev.collimate.inference.SelectRows.Top;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code select}: rows chosen and extended by expressions of Spark SQL. */
@Command(
    name = "select",
    mixinStandardHelpOptions = true,
    description = {
      "Adds columns, keeps the rows of which a condition is true, then the best of each group, by"
          + " expressions of Spark SQL. Rows keep their order, and their columns to the letter."
    })
final class SelectCommand implements Callable<Integer> {

  @Option(names = "--data", required = true, paramLabel = "PATH", description = "The rows.")
  private String data;

  @Option(
      names = "--with",
      paramLabel = "NAME=EXPR",
      description = "A column to add, such as length=length(chosen); repeatable, in order.")
  private Map<String, String> with = new LinkedHashMap<>();

  @Option(
      names = "--where",
      paramLabel = "EXPR",
      description = "Keep the rows of which this is true.")
  private String where;

  @Option(names = "--top", paramLabel = "K", description = "Keep the K best rows of each group.")
  private Integer top;

  @Option(
      names = "--by",
      paramLabel = "EXPR",
      description = "Of --top: what is greatest in the best rows.")
  private String by;

  @Option(
      names = "--per",
      paramLabel = "EXPR",
      description = "Of --top: what makes the groups, such as category; one group where absent.")
  private String per;

  @Option(
      names = "--drop",
      paramLabel = "COLUMN",
      description = "A column to leave out of the output; repeatable.")
  private List<String> drop = List.of();

  @Mixin private RowsOptions rows;

  @Mixin private OutputOptions result;

  @Override
  public Integer call() throws IOException {
    if ((top == null) != (by == null)) {
      throw CollimateException.usage("--top and --by: belong together; give both");
    }
    if (per != null && top == null) {
      throw CollimateException.usage("--per: has no effect without --top");
    }
    if (with.isEmpty() && where == null && top == null && drop.isEmpty()) {
      throw CollimateException.usage("give --with, --where, --top or --drop; nothing is selected");
    }
    Selection selection =
        new Selection(
            with,
            Optional.ofNullable(where),
            top == null
                ? Optional.empty()
                : Optional.of(new Top(top, by, Optional.ofNullable(per))),
            drop);
    rows.run(
        "select",
        "--data",
        List.of(data),
        result,
        (session, sources, output) -> SelectRows.run(session, sources.get(0), selection, output));
    return 0;
  }
}
