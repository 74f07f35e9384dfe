package dev.collimate.cli;

import dev.collimate.inference.Judge;
import dev.collimate.inference.PairAccuracy;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code judge}: what a language model says of answers when it is asked. */
@Command(
    name = "judge",
    mixinStandardHelpOptions = true,
    description = {
      "Asks a language model about every answer: chosen_NAME and rejected_NAME of pairs, NAME of"
          + " other rows, for each NAME that is asked for. The probability of yes under the name reward"
          + " stands wherever a reward model's does; numbers are features."
    })
final class JudgeCommand implements Callable<Integer> {

  @Mixin private InferenceOptions inference;

  @Option(names = "--data", required = true, paramLabel = "PATH", description = "The rows.")
  private String data;

  @Option(
      names = "--questions",
      required = true,
      paramLabel = "FILE",
      description = "The questions, as YAML; conf/reward-models/README.md describes them.")
  private String questions;

  @Mixin private OutputOptions result;

  @Override
  public Integer call() throws IOException {
    byte[] asked = HadoopFiles.read("--questions", questions);
    inference.run(
        "judge",
        "--data",
        data,
        result,
        (session, model, rows, output) -> {
          Map<String, Object> facts = new LinkedHashMap<>();
          facts.put("rows", Judge.run(session, model, rows, asked, output));
          facts.putAll(PairAccuracy.of(session, output));
          return facts;
        });
    return 0;
  }
}
