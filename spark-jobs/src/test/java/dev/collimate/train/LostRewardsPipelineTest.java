package dev.collimate.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.collimate.CollimateException;
import dev.collimate.data.LocalSpark;
import dev.collimate.reward.RewardBatch;
import dev.collimate.reward.RewardFunction;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Rewards that fail in the ways that rewards fail: the run ends, and of every completion it is
 * known what each reward made of it.
 */
@ExtendWith(LocalSpark.class)
class LostRewardsPipelineTest {

  private static final int STEPS = 4;
  private static final List<String> LABELS =
      List.of("letters", "hanging", "throwing", "vague", "judge");
  private static final String NAME = LostRewardsPipelineTest.class.getName();

  @TempDir private Path folder;
  private ToyOnlineRun toy;
  private HttpServer judge;

  @BeforeEach
  void write(SparkSession spark) throws IOException {
    toy = ToyOnlineRun.in(folder, spark);
    judge = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
    judge.start();
  }

  @AfterEach
  void stop() {
    judge.stop(0);
  }

  /** Never answers a second time for prompts 0 and 6. */
  public static final class Hanging implements RewardFunction {
    private int calls;

    @Override
    public List<OptionalDouble> score(RewardBatch batch) throws InterruptedException {
      if (number(batch) % 6 == 0 && ++calls % 2 == 0) {
        new CountDownLatch(1).await();
      }
      return List.of(OptionalDouble.of(1));
    }
  }

  /** Throws at every tenth call. */
  public static final class Throwing implements RewardFunction {
    private int calls;

    @Override
    public List<OptionalDouble> score(RewardBatch batch) throws IOException {
      if (++calls % 10 == 0) {
        throw new IOException("the tenth call");
      }
      return List.of(OptionalDouble.of(1));
    }
  }

  /** Says NaN of prompts 1 and 7, and nothing of 2 and 8. */
  public static final class Vague implements RewardFunction {
    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
      int kind = number(batch) % 6;
      return List.of(
          kind == 2 ? OptionalDouble.empty() : OptionalDouble.of(kind == 1 ? Double.NaN : 1));
    }
  }

  /** Has no use for anything. */
  public static final class Refusing implements RewardFunction {
    @Override
    public List<OptionalDouble> score(RewardBatch batch) throws IOException {
      throw new IOException("no key");
    }
  }

  private static int number(RewardBatch batch) {
    return Integer.parseInt(batch.prompts().get(0).replaceAll("\\D", ""));
  }

  /** 429, 500, garbage, a connection that is closed without a word, and then three scores. */
  private void answerInAllTheUsualWays() {
    AtomicInteger asked = new AtomicInteger();
    judge.createContext(
        "/v1/chat/completions",
        exchange -> {
          try (exchange) {
            exchange.getRequestBody().readAllBytes();
            switch (asked.getAndIncrement() % 7) {
              case 0 -> answer(exchange, 429, "slow down");
              case 1 -> answer(exchange, 500, "oops");
              case 2 -> answer(exchange, 200, "<html>");
              case 3 -> {
                // Nothing: the connection is closed.
              }
              default ->
                  answer(
                      exchange, 200, "{\"choices\": [{\"message\": {\"content\": \"Score: 7\"}}]}");
            }
          }
        });
  }

  private static void answer(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private String rewards() {
    return """
    rewards=[{name: dev.collimate.train.LetterReward, label: letters},
    {name: "%1$s$Hanging", label: hanging, timeout: 0.2},
    {name: "%1$s$Throwing", label: throwing},
    {name: "%1$s$Vague", label: vague},
    {name: judge, base_url: "http://127.0.0.1:%2$d/v1", model: any, retries: 0, cache_size: 0}]"""
        .formatted(NAME, judge.getAddress().getPort())
        .replace("\n", " ");
  }

  @Test
  void everyCompletionIsAccountedForAtEveryReward() throws Exception {
    answerInAllTheUsualWays();
    String[] settings = {rewards(), "train.max_steps=" + STEPS, "train.save_steps=2"};

    toy.run("lossy", settings);

    List<JsonNode> metrics = toy.metrics("lossy");
    assertThat(metrics).hasSize(STEPS);
    Map<String, Integer> all = new TreeMap<>();
    int completions = 0;
    for (int step = 1; step <= STEPS; step++) {
      List<JsonNode> journal = toy.journal("lossy", step);
      completions += journal.size();
      Map<String, Integer> counts = countsOf(journal);
      assertThat(countsOf(metrics.get(step - 1))).as("step %d", step).isEqualTo(counts);
      for (String label : LABELS) {
        assertThat(sum(counts, label)).as("%s in step %d", label, step).isEqualTo(journal.size());
      }
      counts.forEach((name, count) -> all.merge(name, count, Integer::sum));
    }
    assertThat(all)
        .containsEntry("letters/scored", completions)
        .containsEntry("throwing/threw", completions / 10)
        .containsKeys(
            "hanging/timed_out",
            "hanging/scored",
            "vague/not_a_number",
            "vague/does_not_apply",
            "vague/scored",
            "judge/threw",
            "judge/scored");
    assertThat(Files.readString(toy.output("lossy").resolve("report.html")))
        .contains("<td>%d timed out</td>".formatted(all.get("hanging/timed_out")))
        .contains("<td>%d threw</td>".formatted(completions / 10));

    judge.stop(0);
    toy.copyStopped("lossy", "resumed", "step-4");
    toy.run("resumed", settings);
    for (String file : List.of("checkpoints/step-4/masters.f32", "rollouts/rewards/step-4.jsonl")) {
      assertThat(toy.output("resumed").resolve(file))
          .hasSameBinaryContentAs(toy.output("lossy").resolve(file));
    }
  }

  /** From the metrics of a step. */
  private static Map<String, Integer> countsOf(JsonNode line) {
    Map<String, Integer> counts = new TreeMap<>();
    for (Map.Entry<String, JsonNode> field : line.properties()) {
      String name = field.getKey();
      if (name.matches("rewards/.*/.*") && !name.endsWith("/mean") && !name.endsWith("/std")) {
        counts.put(name.substring("rewards/".length()), field.getValue().asInt());
      }
    }
    return counts;
  }

  /** From the journal of a step. */
  private static Map<String, Integer> countsOf(List<JsonNode> journal) {
    Map<String, Integer> counts = new TreeMap<>();
    for (JsonNode line : journal) {
      IntStream.range(0, LABELS.size())
          .forEach(i -> counts.merge(LABELS.get(i) + "/" + outcome(line, i), 1, Integer::sum));
    }
    return counts;
  }

  private static String outcome(JsonNode line, int reward) {
    for (JsonNode failure : line.path("failures")) {
      if (failure.path("reward").asText().equals(LABELS.get(reward))) {
        return failure.path("reason").asText();
      }
    }
    return line.at("/values/" + reward).isNull() ? "does_not_apply" : "scored";
  }

  private static int sum(Map<String, Integer> counts, String label) {
    return counts.entrySet().stream()
        .filter(count -> count.getKey().startsWith(label + "/"))
        .mapToInt(Map.Entry::getValue)
        .sum();
  }

  @Test
  void aRunThatGetsNoRewardAtAllEndsAndGoesOnOnceItDoes() throws Exception {
    String none = "rewards=[{name: \"%s$Refusing\", label: picky}]".formatted(NAME);
    String[] settings = {none, "train.max_steps=5", "rollout.max_lost_rollouts=2"};

    for (int attempt = 1; attempt <= 2; attempt++) {
      assertThatThrownBy(() -> toy.run("none", settings))
          .isInstanceOf(CollimateException.class)
          .hasMessage(
              "rewards: no completion of 2 rollouts in a row, from step 1 to step 2, has a reward;"
                  + " they were lost by 'picky' (threw: IOException: no key); mend that and start"
                  + " the run again, which goes on there, or raise rollout.max_lost_rollouts");
    }
    assertThat(toy.output("none").resolve("rollouts/rewards/step-1.jsonl")).exists();
    assertThat(toy.output("none").resolve("rollouts/rewards/step-2.jsonl")).doesNotExist();

    toy.run("none", none, "train.max_steps=5", "rollout.max_lost_rollouts=0");
    assertThat(toy.metrics("none"))
        .hasSize(5)
        .allSatisfy(
            line ->
                assertThat(line.get("rewards/lost"))
                    .isNotNull()
                    .isEqualTo(line.get("rewards/picky/threw")));
  }
}
