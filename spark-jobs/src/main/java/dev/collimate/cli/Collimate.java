package dev.collimate.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The main class that spark-submit runs. */
@Command(
    name = "collimate",
    mixinStandardHelpOptions = true,
    versionProvider = BuildVersion.class,
    synopsisSubcommandLabel = "COMMAND",
    description = "Aligns language models on a Spark cluster.",
    commandListHeading = "%nCommands:%n",
    footer = {
      "",
      "Exit codes: 0 done, 2 wrong usage or run file, 3 bad data or model, 1 anything else."
    },
    subcommands = {
      InitCommand.class,
      ScoreCommand.class,
      GenerateCommand.class,
      JudgeCommand.class,
      FeaturesCommand.class,
      SelectCommand.class,
      PairCommand.class,
      MixCommand.class,
      StrengthCommand.class,
      ScalingCommand.class,
      MergeCommand.class,
      InspectCommand.class,
      QuickstartCommand.class,
      BenchCommand.class
    })
public final class Collimate implements Runnable {

  @Spec private CommandSpec spec;

  /** Without a command there is nothing to do. */
  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "a command is missing; collimate --help lists them");
  }

  /** The command line, with what turns failures into exit codes. */
  static CommandLine commandLine(PrintWriter out, PrintWriter err) {
    CommandLine collimate = new CommandLine(new Collimate());
    StageCommand.addTo(collimate);
    return collimate
        .setOut(out)
        .setErr(err)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler(Failures::wrongUsage)
        .setExecutionExceptionHandler(Failures::failed);
  }

  /**
   * Runs a command. A failure ends the process with its exit code; in cluster deploy mode, where
   * the cluster would take an exit for a crash of the driver, it is thrown instead. Success just
   * returns: YARN counts an exit as a failure whatever its code.
   */
  public static void main(String[] args) {
    CommandLine commandLine =
        commandLine(
            new PrintWriter(System.out, /* autoFlush= */ true, StandardCharsets.UTF_8),
            new PrintWriter(System.err, /* autoFlush= */ true, StandardCharsets.UTF_8));
    int exitCode = commandLine.execute(args);
    commandLine.getOut().flush();
    commandLine.getErr().flush();
    if (exitCode == 0) {
      return;
    }
    if (System.getProperty("spark.submit.deployMode", "client").equals("cluster")) {
      throw new CommandFailed(exitCode);
    }
    System.exit(exitCode);
  }

  /** Ends a driver in cluster mode; what happened has been printed. */
  private static final class CommandFailed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    CommandFailed(int exitCode) {
      super("collimate ended with exit code " + exitCode, null, false, false);
    }
  }
}
