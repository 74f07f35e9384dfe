package dev.collimate.cli;

import dev.collimate.CollimateException;
import dev.collimate.bench.RolloutBench;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.nn.ComputeDevice;
import dev.collimate.nn.Decoder;
import dev.collimate.nn.DecoderOptions;
import dev.collimate.nn.DecoderOptions.Recomputation;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.nn.Engine;
import dev.collimate.nn.Precision;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bench rollout}: what a completion's tokens cost. */
@Command(
    name = "rollout",
    mixinStandardHelpOptions = true,
    description = {
      "Times generation on this machine by the number of completions, beside the time to read what"
          + " a step must read and to multiply what it must multiply; a prompt computed once or for"
          + " each of its completions; and the cost of a token as completions grow. Works without"
          + " a cluster; `init` makes a random model to measure with."
    })
final class BenchRolloutCommand implements Callable<Integer> {

  @Option(names = "--model", required = true, paramLabel = "DIR", description = "The model.")
  private String model;

  @Option(
      names = "--batch",
      split = ",",
      defaultValue = "1,8,32",
      paramLabel = "N",
      description = "Completions written at a time, several joined by commas (default: 1,8,32).")
  private List<Integer> batches;

  @Option(
      names = "--prompt",
      defaultValue = "128",
      paramLabel = "N",
      description = "Tokens of a prompt (default: ${DEFAULT-VALUE}).")
  private int prompt;

  @Option(
      names = "--completion",
      defaultValue = "64",
      paramLabel = "N",
      description =
          "Tokens of a completion; twice and four times as many as well (default:"
              + " ${DEFAULT-VALUE}).")
  private int completion;

  @Option(
      names = "--samples",
      defaultValue = "8",
      paramLabel = "N",
      description = "Completions of one prompt, where it has several (default: ${DEFAULT-VALUE}).")
  private int samples;

  @Option(
      names = "--runs",
      defaultValue = "7",
      paramLabel = "N",
      description = "Measured runs of each arm (default: ${DEFAULT-VALUE}).")
  private int runs;

  @Option(
      names = "--precision",
      defaultValue = "float32",
      paramLabel = "FORMAT",
      description = "Of the products: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private Precision precision;

  @Option(
      names = "--threads",
      defaultValue = "1",
      paramLabel = "N",
      description = "Threads of the computation (default: ${DEFAULT-VALUE}).")
  private int threads;

  @Option(
      names = "--gpu",
      description = "Compute on the first GPU that the process sees, not on the CPU.")
  private boolean gpu;

  @Mixin private OutputOptions result;

  @Override
  public Integer call() {
    if (threads < 1) {
      throw CollimateException.usage("--threads must be >= 1, got " + threads);
    }
    RolloutBench.Options options =
        new RolloutBench.Options(batches, prompt, completion, samples, runs);
    try (ModelFolder folder = ModelFolder.open(HadoopFiles.folder("--model", model))) {
      Engine.start(threads, gpu ? ComputeDevice.gpu(0) : ComputeDevice.cpu());
      long parameters = folder.layout().parameters().size();
      Map<String, Object> report = new LinkedHashMap<>();
      report.put("parameters", parameters);
      report.put("precision", precision.name().toLowerCase(Locale.ROOT));
      report.put("threads", threads);
      report.put("device", Engine.current().device().label());
      try (Decoder decoder =
          Decoder.load(folder, new DecoderOptions(precision, Recomputation.NONE, Trained.NONE))) {
        report.putAll(new RolloutBench(decoder, precision, parameters, options).run());
      }
      result.print(report);
    }
    return 0;
  }
}
