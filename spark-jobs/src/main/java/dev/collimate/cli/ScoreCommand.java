package dev.collimate.cli;

import dev.collimate.CollimateException;
import dev.collimate.inference.PairAccuracy;
import dev.collimate.inference.RewardReading;
import dev.collimate.inference.Score;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code score}: the log-probs, or the rewards, that a model gives every row. */
@Command(
    name = "score",
    mixinStandardHelpOptions = true,
    description = {
      "Writes the log-probs that a model gives every row's completion: chosen_logps and"
          + " rejected_logps of pairs, logps of other rows, with *_num_tokens; with --reward a reward"
          + " model's chosen_reward and rejected_reward, or reward, and the accuracy on pairs, by"
          + " category or subset where there is such a column. The input's columns are kept."
    })
final class ScoreCommand implements Callable<Integer> {

  @Mixin private InferenceOptions inference;

  @Option(names = "--data", required = true, paramLabel = "PATH", description = "The rows.")
  private String data;

  @Option(names = "--tokens", description = "Add lists with every token's log-prob and id.")
  private boolean tokens;

  @Option(names = "--reward", description = "Rewards of whole texts by a reward model instead.")
  private boolean reward;

  @Option(
      names = "--context_column",
      defaultValue = "",
      paramLabel = "NAME",
      description = "With --reward: column of a text before the prompt, as the objective's option.")
  private String contextColumn;

  @Option(
      names = "--prompt_gate",
      description = "With --reward: the model was trained by gpm with prompt_gate.")
  private boolean promptGate;

  @Option(
      names = "--gate_scale",
      defaultValue = "1.0",
      paramLabel = "S",
      description = "With --prompt_gate: gpm's gate_scale (default: ${DEFAULT-VALUE}).")
  private double gateScale;

  @Option(
      names = "--normalize",
      description = "With --reward: the model was trained by gpm with normalize.")
  private boolean normalize;

  @Mixin private OutputOptions result;

  @Override
  public Integer call() throws IOException {
    if (tokens && reward) {
      throw CollimateException.usage("--tokens: has no effect beside --reward; leave it out");
    }
    if (!reward && (!contextColumn.isEmpty() || promptGate || normalize)) {
      throw CollimateException.usage(
          "--context_column, --prompt_gate, --normalize: have no effect without --reward");
    }
    if (!promptGate && gateScale != 1) {
      throw CollimateException.usage("--gate_scale: has no effect without --prompt_gate");
    }
    RewardReading reading = new RewardReading(contextColumn, promptGate, gateScale, normalize);
    Score.Detail detail =
        reward ? Score.Detail.REWARDS : tokens ? Score.Detail.TOKENS : Score.Detail.SUMS;
    inference.run(
        "score",
        "--data",
        data,
        result,
        (session, model, rows, output) -> {
          Map<String, Object> facts = new LinkedHashMap<>();
          facts.put("rows", Score.run(session, model, rows, output, detail, reading));
          if (reward) {
            facts.putAll(PairAccuracy.of(session, output));
          }
          return facts;
        });
    return 0;
  }
}
