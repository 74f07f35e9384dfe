package dev.collimate.integration;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Rewards of the user's own, in a jar of their own: one with options, one that is a class, and one
 * that fails in every way, beside a judge that does.
 */
class OwnRewardIT {

  private static final String JAR = Launcher.jarOf("own-objective").toString();

  private static final String RUN =
      """
      rollout: {batch_size: 2, max_completion_length: 8, max_lost_rollouts: 0}
      rewards:
        - {name: word_share, column: wanted}
        - {name: org.example.reward.Length, label: length, weight: 0.1}
        - {name: org.example.reward.Moody, label: moody, weight: 0.1, timeout: 0.3}
        - {name: judge, base_url: "http://127.0.0.1:%d/v1", model: any, retries: 0}
      train: {max_steps: 4, global_batch_size: 16, micro_batch_size: 4, learning_rate: 1.0e-3}
      """;

  private static final int COMPLETIONS = 16;

  @TempDir private Path folder;
  private HttpServer judge;

  /** Answers 429, 500, garbage, nothing, and then a score. */
  @BeforeEach
  void startJudge() throws IOException {
    AtomicInteger asked = new AtomicInteger();
    judge = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
    judge.createContext(
        "/v1/chat/completions",
        exchange -> {
          try (exchange) {
            exchange.getRequestBody().readAllBytes();
            switch (asked.getAndIncrement() % 5) {
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
    judge.start();
  }

  @AfterEach
  void stopJudge() {
    judge.stop(0);
  }

  private static void answer(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  @Test
  void areNamedInTheRunFileAndScoreWhatIsWritten() throws IOException {
    TinyRun model = TinyRun.in(folder, 1);
    List<String> rows =
        IntStream.range(0, 16)
            .mapToObj(row -> "{\"prompt\": \"say %d \", \"wanted\": \"a b\"}".formatted(row))
            .toList();
    Files.write(folder.resolve("prompts.jsonl"), rows);
    TinyRun tiny = model.with("prompts.jsonl", "{name: grpo, num_generations: 4}");
    String runFile = tiny.runFile("own", RUN.formatted(judge.getAddress().getPort()));

    Finished unknown = Launcher.ofBuild().run("train", runFile);
    assertThat(unknown.exitCode()).isEqualTo(2);
    assertThat(unknown.err()).anyMatch(line -> line.contains("got 'word_share'"));

    Finished finished =
        Launcher.ofBuild()
            .withSparkOptions("--master", "local-cluster[1,1,1536]", "--jars", JAR)
            .run("train", runFile);
    assertThat(finished.exitCode()).as(finished.transcript()).isZero();
    Map<String, Integer> all = new TreeMap<>();
    for (JsonNode step : tiny.metrics("own")) {
      assertThat(step.get("rewards/word_share/scored").asInt()).isEqualTo(COMPLETIONS);
      assertThat(step.get("rewards/length/scored").asInt()).isEqualTo(COMPLETIONS);
      for (String failing : List.of("moody", "judge")) {
        Map<String, Integer> counts = counts(step, "rewards/" + failing + "/");
        assertThat(counts.values().stream().mapToInt(n -> n).sum())
            .as("completions that %s accounts for", failing)
            .isEqualTo(COMPLETIONS);
        counts.forEach((what, count) -> all.merge(failing + " " + what, count, Integer::sum));
      }
    }
    assertThat(all)
        .containsKeys(
            "moody timed_out",
            "moody threw",
            "moody not_a_number",
            "moody does_not_apply",
            "moody scored",
            "judge threw",
            "judge scored");
    List<String> journal =
        Files.readAllLines(tiny.output("own").resolve("rollouts/rewards/step-1.jsonl"));
    assertThat(journal).hasSize(1 + COMPLETIONS + 1);
    assertThat(journal.get(0))
        .isEqualTo(
            "{\"step\":1,\"rewards\":[\"word_share\",\"length\",\"moody\",\"judge\"],\"rows\":16}");
  }

  private static Map<String, Integer> counts(JsonNode step, String prefix) {
    Map<String, Integer> counts = new TreeMap<>();
    step.fieldNames()
        .forEachRemaining(
            name -> {
              if (name.startsWith(prefix) && !name.matches(".*/(mean|std)")) {
                counts.put(name.substring(prefix.length()), step.get(name).asInt());
              }
            });
    return counts;
  }
}
