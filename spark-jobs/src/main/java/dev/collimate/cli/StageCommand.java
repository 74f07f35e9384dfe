package dev.collimate.cli;

import dev.collimate.CollimateException;
import dev.collimate.config.RunConfig;
import dev.collimate.objective.ObjectiveSpec;
import dev.collimate.objective.Objectives;
import dev.collimate.report.RunManifest;
import dev.collimate.train.MemoryPlan;
import dev.collimate.train.Pipeline;
import dev.collimate.train.PolicySource;
import dev.collimate.train.Rounds;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.Help;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code run}, {@code prepare}, {@code reference}, {@code train}, {@code evaluate}: a run file up
 * to a stage.
 */
@Command(mixinStandardHelpOptions = true)
final class StageCommand implements Callable<Integer> {

  private final Pipeline.Stage last;

  @Parameters(
      index = "0",
      paramLabel = "RUN.yaml",
      description = "The run file; conf/README.md lists its keys.")
  private String runFile;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Override a key of the run file, such as train.learning_rate=1e-5; repeatable.")
  private List<String> overrides = List.of();

  @Mixin private OutputOptions result;

  @Spec private CommandSpec spec;

  private StageCommand(Pipeline.Stage last) {
    this.last = last;
  }

  /** Adds the five commands. */
  static void addTo(CommandLine collimate) {
    add(
        collimate,
        "run",
        Pipeline.Stage.REPORT,
        "prepare, reference, train, evaluate, report; finished stages are skipped, an interrupted one goes on.");
    add(
        collimate,
        "prepare",
        Pipeline.Stage.PREPARE,
        "Reads, checks, tokenizes and shards the rows.");
    add(
        collimate,
        "reference",
        Pipeline.Stage.REFERENCE,
        "Computes the reference log-probs that the objective reads.");
    add(collimate, "train", Pipeline.Stage.TRAIN, "Trains and publishes the model or adapter.");
    add(
        collimate,
        "evaluate",
        Pipeline.Stage.EVALUATE,
        "Evaluates the result on the held-out rows and writes the report.");
  }

  private static void add(
      CommandLine collimate, String name, Pipeline.Stage last, String description) {
    CommandLine command = new CommandLine(new StageCommand(last));
    command.getCommandSpec().usageMessage().description(description);
    command
        .getHelpSectionMap()
        .put(UsageMessageSpec.SECTION_KEY_FOOTER, help -> objectives(help, last));
    collimate.addSubcommand(name, command);
  }

  /**
   * What {@code objective.name} can be; of {@code run} with the formulas. Read when help is asked
   * for, since the user's jars have objectives too.
   *
   * @throws ExecutionException where one of these jars cannot be loaded
   */
  private static String objectives(Help help, Pipeline.Stage last) {
    List<ObjectiveSpec> table;
    try {
      table = Objectives.table();
    } catch (CollimateException e) {
      throw new ExecutionException(help.commandSpec().commandLine(), e.getMessage(), e);
    }
    int width = help.commandSpec().usageMessage().width();
    Help.TextTable lines;
    if (last == Pipeline.Stage.REPORT) {
      int names = 4 + table.stream().mapToInt(spec -> spec.name().length()).max().orElse(0);
      lines =
          Help.TextTable.forColumns(
              help.colorScheme(),
              new Help.Column(names, 2, Help.Column.Overflow.SPAN),
              new Help.Column(width - names, 1, Help.Column.Overflow.WRAP));
      table.forEach(spec -> lines.addRowValues(spec.name(), spec.formula()));
    } else {
      lines =
          Help.TextTable.forColumns(
              help.colorScheme(), new Help.Column(width, 2, Help.Column.Overflow.WRAP));
      lines.addRowValues(table.stream().map(ObjectiveSpec::name).collect(Collectors.joining(", ")));
    }
    return "%nObjectives (objective.name; model-runtime/README.md has their options):%n".formatted()
        + lines;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    String text = new String(HadoopFiles.read("RUN.yaml", runFile), StandardCharsets.UTF_8);
    RunConfig run = RunConfig.read(text, runFile, overrides);
    if (run.rounds() > 0 && last != Pipeline.Stage.REPORT) {
      throw CollimateException.usage(
          "rounds: is %d, and rounds go through all stages; use the command run, or set rounds=0"
              .formatted(run.rounds()));
    }
    SparkConf conf = new SparkConf();
    planMemory(run, conf);
    try (SparkSession session = Sessions.open("collimate " + run.output(), conf)) {
      ConsoleProgress progress = ConsoleProgress.on(spec.commandLine().getErr());
      RunManifest manifest =
          run.rounds() > 0
              ? new Rounds(session, run, progress).run()
              : new Pipeline(session, run, progress).run(last);
      result.print(summary(manifest));
    }
    return 0;
  }

  private static void planMemory(RunConfig run, SparkConf conf) {
    try (PolicySource policy = PolicySource.open(run, HadoopFiles.configuration())) {
      MemoryPlan.of(run, policy, HadoopFiles.configuration()).applyTo(conf);
    }
  }

  private static Map<String, Object> summary(RunManifest manifest) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("state", manifest.state().name());
    values.put("output", manifest.runFile().get("output"));
    values.put("rows_read", manifest.accounting().read());
    values.put("rows_refused", manifest.accounting().refused());
    values.putAll(manifest.training());
    values.put("exact", manifest.exact());
    manifest
        .evaluation()
        .forEach(
            (when, metrics) ->
                metrics.forEach((name, value) -> values.put(when + "/" + name, value)));
    return values;
  }
}
