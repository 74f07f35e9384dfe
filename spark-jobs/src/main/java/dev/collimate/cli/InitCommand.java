package dev.collimate.cli;

import dev.collimate.checkpoint.ModelInit;
import dev.collimate.storage.Publication;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code init}: a randomly initialised model folder. */
@Command(
    name = "init",
    mixinStandardHelpOptions = true,
    description = "Makes a randomly initialised model folder.")
final class InitCommand implements Callable<Integer> {

  @Option(
      names = "--config",
      required = true,
      paramLabel = "FILE",
      description = "The model's config.json.")
  private String config;

  @Option(
      names = "--tokenizer",
      required = true,
      paramLabel = "DIR",
      description = "Folder with the tokenizer that goes with the model.")
  private String tokenizer;

  @Option(names = "--output", required = true, paramLabel = "DIR", description = "A new folder.")
  private String output;

  @Option(
      names = "--seed",
      defaultValue = "42",
      paramLabel = "N",
      description = "Seed of the weights (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Mixin private OutputOptions result;

  @Override
  public Integer call() throws IOException {
    byte[] json = HadoopFiles.read("--config", config);
    try (Publication publication = HadoopFiles.newModel("--output", output)) {
      ModelInit.write(
          json, config, HadoopFiles.folder("--tokenizer", tokenizer), publication, seed);
      publication.commit();
    }
    result.print(Inspection.of(output, HadoopFiles.configuration()));
    return 0;
  }
}
