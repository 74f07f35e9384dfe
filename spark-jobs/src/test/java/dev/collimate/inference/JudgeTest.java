package dev.collimate.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.CollimateException;
import dev.collimate.data.LocalSpark;
import dev.collimate.data.ToyModel;
import dev.collimate.executor.ModelSpec;
import dev.collimate.nn.Precision;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LocalSpark.class)
class JudgeTest {

  private static final String YES =
      """
      questions: {reward: "{prompt}|{completion}|ok?"}
      yes: [y]
      no: [n]
      """;

  @TempDir private Path folder;

  /** {@code e^2 / (e^2 + e^1 + e^0)}; a constant added to all logits changes nothing. */
  @Test
  void theProbabilityIsOfYesAgainstNo() {
    float[] logits = {1, 2, 0, 50};
    double expected = Math.exp(2) / (Math.exp(2) + Math.exp(1) + 1);
    assertThat(Judge.probability(logits, new int[] {1}, new int[] {0, 2}))
        .isCloseTo(expected, within(1e-12));
    assertThat(
            Judge.probability(new float[] {1001, 1002, 1000, 0}, new int[] {1}, new int[] {0, 2}))
        .isEqualTo(Judge.probability(logits, new int[] {1}, new int[] {0, 2}));
  }

  /**
   * The toy's tokens are bytes: the log-probability of the letter y after the question is known.
   */
  @Test
  void aPairHasBothAnswersProbabilities(SparkSession spark) throws IOException {
    RowFiles files = new RowFiles(folder);
    ToyModel.write(folder.resolve("model"), 1);
    files.write("rows.jsonl", "{\"prompt\": \"p\", \"chosen\": \"aa\", \"rejected\": \"b\"}\n");
    files.write(
        "letters.jsonl",
        """
        {"prompt": "p|aa|ok?", "completion": "y"}
        {"prompt": "p|aa|ok?", "completion": "n"}
        """);

    judge(spark, files, YES, "judged.jsonl");
    Score.run(
        spark,
        model(),
        files.source("letters.jsonl"),
        files.path("letters-scored.jsonl"),
        Score.Detail.TOKENS);

    JsonNode row = files.read("judged.jsonl").get(0);
    List<JsonNode> letters = files.read("letters-scored.jsonl");
    double yes = letters.get(0).get("per_token_logps").get(0).asDouble();
    double no = letters.get(1).get("per_token_logps").get(0).asDouble();
    assertThat(row.get("chosen_reward").asDouble())
        .isCloseTo(LogisticFit.sigmoid(yes - no), within(1e-4));
    assertThat(row.get("rejected_reward").asDouble())
        .isBetween(0.0, 1.0)
        .isNotEqualTo(row.get("chosen_reward").asDouble());
  }

  @Test
  void questionsAreChosenByCategory() {
    JudgeQuestions asked =
        read("questions: {reward: {math: 'M {completion}', default: 'D {prompt} {completion}'}}");
    Map<String, Object> row = new HashMap<>(Map.of("prompt", "p", "chosen", "a"));
    assertThat(asked.ask("reward", row, "chosen", 0)).isEqualTo("D p a");
    row.put("category", "math");
    assertThat(asked.ask("reward", row, "chosen", 0)).isEqualTo("M a");
  }

  @Test
  void theFirstNumberOfTheScaleIsTaken() {
    JudgeQuestions asked = read("questions: {f: 'rate {completion}'}\nanswer: number");
    assertThat(asked.number(" 7 out of 10")).isEqualTo(7);
    assertThat(asked.number("12, no, 3")).isEqualTo(3);
    assertThat(asked.number("none")).isNull();
  }

  @Test
  void questionsThatCannotBeAskedAreRefused(SparkSession spark) throws IOException {
    assertThatThrownBy(() -> read("questions: {f: 'is it right?'}"))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "--questions: the question 'f' (default) does not hold {completion}, which it is about");
    assertThatThrownBy(() -> read("questions: {f: '{completion}'}\nmax: 5"))
        .isInstanceOf(CollimateException.class)
        .hasMessage("--questions: max has no effect with answer: yes; it belongs to number");
    assertThatThrownBy(() -> read("question: {f: '{completion}'}"))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith("--questions: 'question' is unknown; known are answer, category,");
    ToyModel.write(folder.resolve("model"), 1);
    RowFiles files = new RowFiles(folder);
    files.write("rows.jsonl", "{\"prompt\": \"p\", \"completion\": \"aa\"}\n");
    assertThatThrownBy(
            () -> judge(spark, files, "questions: {reward: '{completion}'}", "out.jsonl"))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith("--questions: no spelling of yes is one token of this model");
  }

  private static JudgeQuestions read(String yaml) {
    return JudgeQuestions.read("--questions", yaml.getBytes(StandardCharsets.UTF_8));
  }

  private void judge(SparkSession spark, RowFiles files, String questions, String output)
      throws IOException {
    Judge.run(
        spark,
        model(),
        files.source("rows.jsonl"),
        questions.getBytes(StandardCharsets.UTF_8),
        files.path(output));
  }

  private ModelSpec model() {
    return ModelSpec.of(
        "--model",
        folder.resolve("model").toString(),
        "--adapter",
        Optional.empty(),
        Precision.FLOAT32,
        1,
        new Configuration());
  }
}
