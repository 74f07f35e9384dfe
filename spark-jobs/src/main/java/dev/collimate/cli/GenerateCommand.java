package dev.collimate.cli;

import dev.collimate.generate.SamplingParams;
import dev.collimate.inference.Generate;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code generate}: completions of every prompt. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    description = {
      "Completes every prompt: a string, a conversation, or ids in prompt_input_ids. The input's"
          + " columns are kept; completion, without special tokens, and completion_input_ids are added."
    })
final class GenerateCommand implements Callable<Integer> {

  @Mixin private InferenceOptions inference;

  @Option(names = "--prompts", required = true, paramLabel = "PATH", description = "The rows.")
  private String prompts;

  @Option(
      names = "--max_new_tokens",
      defaultValue = "256",
      paramLabel = "N",
      description = "Most tokens of a completion (default: ${DEFAULT-VALUE}).")
  private int maxNewTokens;

  @Option(
      names = "--temperature",
      defaultValue = "1.0",
      paramLabel = "T",
      description = "0: always the most probable token (default: ${DEFAULT-VALUE}).")
  private double temperature;

  @Option(
      names = "--top_k",
      defaultValue = "0",
      paramLabel = "K",
      description = "How many of the most probable tokens take part; 0: all (default).")
  private int topK;

  @Option(
      names = "--top_p",
      defaultValue = "1.0",
      paramLabel = "P",
      description =
          "The smallest set of most probable tokens with this probability takes part (default:"
              + " ${DEFAULT-VALUE}).")
  private double topP;

  @Option(
      names = "--seed",
      defaultValue = "42",
      paramLabel = "N",
      description = "Decides every draw, with the row's number (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--num_return_sequences",
      defaultValue = "1",
      paramLabel = "N",
      description = "Completions of each prompt, a row each (default: ${DEFAULT-VALUE}).")
  private int numReturnSequences;

  @Option(names = "--ignore_eos", description = "Go on after an end-of-sequence token.")
  private boolean ignoreEos;

  @Mixin private OutputOptions result;

  @Override
  public Integer call() throws IOException {
    SamplingParams sampling =
        new SamplingParams(maxNewTokens, temperature, topK, topP, seed, ignoreEos);
    Generate.requireSequences(sampling, numReturnSequences);
    inference.run(
        "generate",
        "--prompts",
        prompts,
        result,
        (session, model, rows, output) ->
            Map.of(
                "rows", Generate.run(session, model, rows, output, sampling, numReturnSequences)));
    return 0;
  }
}
