package dev.collimate.cli;

import dev.collimate.checkpoint.AdapterFolder;
import dev.collimate.checkpoint.AdapterMerge;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.SaveDtype;
import dev.collimate.storage.Publication;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code merge}: an adapter folded into a full model folder. */
@Command(
    name = "merge",
    mixinStandardHelpOptions = true,
    description = "Folds an adapter into a full model folder.")
final class MergeCommand implements Callable<Integer> {

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "The model that the adapter was trained on.")
  private String model;

  @Option(
      names = "--adapter",
      required = true,
      paramLabel = "DIR",
      description = "The adapter, in PEFT's layout.")
  private String adapter;

  @Option(names = "--output", required = true, paramLabel = "DIR", description = "A new folder.")
  private String output;

  @Option(
      names = "--save_dtype",
      defaultValue = "base",
      paramLabel = "DTYPE",
      description =
          "Number format of the weights: ${COMPLETION-CANDIDATES}; BASE is the model's own"
              + " (default: ${DEFAULT-VALUE}).")
  private SaveDtype saveDtype;

  @Mixin private OutputOptions result;

  @Override
  public Integer call() throws IOException {
    try (AdapterFolder factors = AdapterFolder.open(HadoopFiles.folder("--adapter", adapter));
        ModelFolder base = factors.openBase(HadoopFiles.folder("--model", model));
        Publication publication = HadoopFiles.newModel("--output", output)) {
      AdapterMerge.write(base, factors, saveDtype, publication);
      publication.commit();
    }
    result.print(Inspection.of(output, HadoopFiles.configuration()));
    return 0;
  }
}
