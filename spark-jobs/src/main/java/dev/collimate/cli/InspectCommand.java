package dev.collimate.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code inspect}: what a folder holds. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description =
        "Says what a model folder, adapter, prepared data set, run directory or checkpoint holds.")
final class InspectCommand implements Callable<Integer> {

  @Parameters(paramLabel = "PATH", description = "A folder, on any Hadoop file system.")
  private String path;

  @Mixin private OutputOptions result;

  @Override
  public Integer call() throws IOException {
    result.print(Inspection.of(path, HadoopFiles.configuration()));
    return 0;
  }
}
