package dev.collimate.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.objective.ObjectiveSpec;
import dev.collimate.objective.Options;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The judge against a server that fails in the usual ways. */
@Timeout(60)
class JudgeTest {

  private static final String KEY = "sk-very-secret";

  private static final RewardContext WITH_KEY =
      new RewardContext() {
        @Override
        public Optional<String> secret(String name) {
          return Optional.of(name).filter("JUDGE_KEY"::equals).map(n -> KEY + "\n");
        }

        @Override
        public RewardFunction model(String folder) {
          throw new IllegalStateException("no executors here");
        }
      };

  private static Map<String, Object> options(String url, Map<String, Object> more) {
    Map<String, Object> options =
        new HashMap<>(
            Map.of("base_url", url, "model", "judge-7b", "backoff", 0.01, "retries", 3.0));
    options.putAll(more);
    return options;
  }

  private static RewardOutcome score(
      String url, RewardLimits limits, List<Rollout> rows, Map<String, Object> more)
      throws IOException {
    RewardChoice choice = new RewardChoice("judge", "judge", 1, limits, options(url, more));
    try (Rewards rewards = new Rewards(List.of(choice), WITH_KEY, RewardJournal.NONE, 0)) {
      return rewards.score(1, rows);
    }
  }

  private static RewardOutcome scoreOne(String url, Map<String, Object> more) throws IOException {
    return score(
        url, RewardLimits.USUAL.withTimeout(Duration.ofSeconds(20)), RewardRows.rows(1), more);
  }

  private static String failure(RewardOutcome outcome) {
    return outcome.rows().get(0).failure().orElseThrow().detail();
  }

  @Test
  void theScoreIsScaledAndTheRequestIsOpenAis() throws IOException {
    try (JudgeServer server = new JudgeServer(JudgeServer.says("Score: 3? Fine.\\nScore: 7.5"))) {
      RewardOutcome outcome =
          scoreOne(server.url() + "/", Map.of("api_key_name", "JUDGE_KEY", "system", "Be just."));
      assertThat(outcome.rows().get(0).values()).containsExactly(0.75);
      assertThat(server.asked.get(0).authorization()).isEqualTo("Bearer " + KEY);
      assertThat(server.asked.get(0).body())
          .contains("\"model\":\"judge-7b\"", "\"temperature\":0.0", "\"max_tokens\":512")
          .contains("{\"role\":\"system\",\"content\":\"Be just.\"}")
          .contains("[Request]\\nsay\\n", "[Response]\\nrow 0\\n");
    }
  }

  @Test
  void tooManyRequestsAndServerErrorsAreTriedAgain() throws IOException {
    try (JudgeServer server =
        new JudgeServer(
            JudgeServer.status(429, "slow down", Map.of()),
            JudgeServer.status(500, "oops", Map.of()),
            JudgeServer.status(200, "<html>garbage", Map.of()),
            JudgeServer.says("Score: 10"))) {
      assertThat(scoreOne(server.url(), Map.of()).rows().get(0).values()).containsExactly(1.0);
      assertThat(server.asked).hasSize(4);
    }
  }

  @Test
  void aBrokenConnectionIsTriedAgain() throws IOException {
    try (JudgeServer server =
        new JudgeServer(JudgeServer.hangsUp(), JudgeServer.says("Score: 5"))) {
      assertThat(scoreOne(server.url(), Map.of()).rows().get(0).values()).containsExactly(0.5);
    }
  }

  @Test
  void theWaitThatTheServerAsksForIsKept() throws IOException {
    String soon =
        DateTimeFormatter.RFC_1123_DATE_TIME.format(
            ZonedDateTime.now(ZoneOffset.UTC).minusMinutes(1));
    try (JudgeServer server =
        new JudgeServer(
            JudgeServer.status(429, "", Map.of("Retry-After", soon)),
            JudgeServer.status(503, "", Map.of("Retry-After", "1")),
            JudgeServer.says("Score: 5"))) {
      long start = System.nanoTime();
      assertThat(scoreOne(server.url(), Map.of("backoff", 30.0)).lost()).isZero();
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isBetween(Duration.ofSeconds(1), Duration.ofSeconds(10));
    }
  }

  @Test
  void whatStaysBadCostsItsRowWithTheReason() throws IOException {
    try (JudgeServer server =
        new JudgeServer(JudgeServer.status(500, "out of\nmemory", Map.of()))) {
      assertThat(failure(scoreOne(server.url(), Map.of())))
          .isEqualTo("JudgeException: HTTP 500: out of memory");
      assertThat(server.asked).hasSize(4);
    }
    try (JudgeServer server = new JudgeServer(JudgeServer.status(200, "hello", Map.of()))) {
      assertThat(failure(scoreOne(server.url(), Map.of())))
          .isEqualTo("JudgeException: no JSON: hello");
    }
  }

  @Test
  void whatIsForGoodIsNotTriedAgain() throws IOException {
    try (JudgeServer server =
        new JudgeServer(JudgeServer.status(401, "bad key " + KEY, Map.of()))) {
      assertThat(failure(scoreOne(server.url(), Map.of("api_key_name", "JUDGE_KEY"))))
          .isEqualTo("JudgeException: HTTP 401: bad key ***");
      assertThat(server.asked).hasSize(1);
    }
    try (JudgeServer server =
        new JudgeServer(
            JudgeServer.status(307, "", Map.of("Location", "http://127.0.0.1:9/elsewhere")))) {
      assertThat(failure(scoreOne(server.url(), Map.of()))).isEqualTo("JudgeException: HTTP 307:");
    }
    try (JudgeServer server = new JudgeServer(JudgeServer.status(200, "{}", Map.of()))) {
      assertThat(failure(scoreOne(server.url(), Map.of())))
          .isEqualTo("JudgeException: no choices[0].message.content in {}");
    }
  }

  @Test
  void aScoreThatIsNoneOrBeyondTheScaleCostsItsRow() throws IOException {
    try (JudgeServer server = new JudgeServer(JudgeServer.says("I cannot say."))) {
      assertThat(failure(scoreOne(server.url(), Map.of())))
          .isEqualTo("JudgeException: no score in 'I cannot say.'");
    }
    try (JudgeServer server = new JudgeServer(JudgeServer.says("Score: 11"))) {
      assertThat(failure(scoreOne(server.url(), Map.of())))
          .isEqualTo("JudgeException: the score 11 is not from 0.0 to 10.0");
    }
    try (JudgeServer server = new JudgeServer(JudgeServer.says("Grade: good"))) {
      assertThat(failure(scoreOne(server.url(), Map.of("answer_pattern", "Grade: (\\w+)"))))
          .isEqualTo("JudgeException: the score 'good' is no number in 'Grade: good'");
    }
  }

  @Test
  void silenceEndsWithTheRequestsTimeLimit() throws IOException {
    try (JudgeServer server = new JudgeServer(exchange -> Thread.sleep(60_000))) {
      RewardOutcome outcome =
          scoreOne(server.url(), Map.of("request_timeout", 0.2, "retries", 1.0));
      assertThat(outcome.lostBy()).isEqualTo(Map.of("judge/threw", 1));
      assertThat(failure(outcome)).startsWith("TimeoutExceededException");
      assertThat(server.asked).hasSize(2);
    }
  }

  @Test
  void anAnswerThatNeverEndsIsNotWaitedFor() throws IOException {
    JudgeServer[] own = new JudgeServer[1];
    try (JudgeServer server =
        new JudgeServer(
            exchange -> own[0].beginning().answer(exchange), JudgeServer.says("Score: 5"))) {
      own[0] = server;
      RewardOutcome outcome = scoreOne(server.url(), Map.of("request_timeout", 0.5));
      assertThat(outcome.rows().get(0).values()).containsExactly(0.5);
    }
    try (JudgeServer server =
        new JudgeServer(JudgeServer.status(200, "[" + "0,".repeat(3_000_000) + "0]", Map.of()))) {
      assertThat(failure(scoreOne(server.url(), Map.of("retries", 0.0))))
          .contains("the answer has more than 4194304 bytes");
    }
  }

  @Test
  void aCallsTimeLimitHoldsForAllItsTries() throws IOException {
    JudgeServer[] own = new JudgeServer[1];
    try (JudgeServer server = new JudgeServer(exchange -> own[0].nothing().answer(exchange))) {
      own[0] = server;
      RewardOutcome outcome =
          score(
              server.url(),
              RewardLimits.USUAL.withTimeout(Duration.ofMillis(300)).withConcurrency(4),
              RewardRows.rows(30),
              Map.of());
      assertThat(outcome.lost()).isEqualTo(30);
      assertThat(outcome.lostBy().get("judge/timed_out")).isBetween(8, 11);
      assertThat(outcome.lostBy().values().stream().mapToInt(n -> n).sum()).isEqualTo(30);
    }
  }

  @Test
  void nobodyThereCostsTheRows() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    RewardOutcome outcome = scoreOne("http://127.0.0.1:" + port, Map.of("retries", 1.0));
    assertThat(outcome.lostBy()).isEqualTo(Map.of("judge/threw", 1));
    assertThat(failure(outcome)).startsWith("ConnectException");
  }

  @Test
  void oneFailureInABatchCostsOneRow() throws IOException {
    JudgeServer.Way slow =
        exchange -> {
          Thread.sleep(50);
          JudgeServer.says("Score: 5").answer(exchange);
        };
    try (JudgeServer server =
        new JudgeServer(
            JudgeServer.where("row 6", JudgeServer.status(400, "too rude", Map.of()), slow))) {
      RewardOutcome outcome =
          score(server.url(), RewardLimits.USUAL.withBatchSize(4), RewardRows.rows(8), Map.of());
      assertThat(outcome.lostBy()).isEqualTo(Map.of("judge/threw", 1));
      assertThat(outcome.rows().get(6).isLost()).isTrue();
      assertThat(server.most.get()).isGreaterThan(1);
    }
  }

  @Test
  void noMoreRequestsThanAllowedAreUnderWay() throws IOException {
    try (JudgeServer server =
        new JudgeServer(
            exchange -> {
              Thread.sleep(20);
              JudgeServer.says("Score: 5").answer(exchange);
            })) {
      assertThat(
              score(
                      server.url(),
                      RewardLimits.USUAL.withConcurrency(3),
                      RewardRows.rows(30),
                      Map.of())
                  .lost())
          .isZero();
      assertThat(server.most.get()).isBetween(2, 3);
    }
  }

  @Test
  void equalRowsAreAskedOnce() throws IOException {
    try (JudgeServer server = new JudgeServer(JudgeServer.says("Score: 5"))) {
      List<Rollout> same = Collections.nCopies(6, RewardRows.rows(1).get(0));
      assertThat(score(server.url(), RewardLimits.USUAL, same, Map.of()).lost()).isZero();
      assertThat(server.asked).hasSize(1);
      RewardLimits batch = RewardLimits.USUAL.withBatchSize(6);
      assertThat(score(server.url(), batch, same, Map.of()).lost()).isZero();
      assertThat(server.asked).hasSize(2);
      assertThat(score(server.url(), RewardLimits.USUAL, same, Map.of("cache_size", 0.0)).lost())
          .isZero();
      assertThat(server.asked).hasSize(8);
    }
  }

  @Test
  void columnsStandWhereTheTemplateNamesThem() throws Exception {
    JudgePrompt prompt = new JudgePrompt("{completion} {gold} {\"a\": 1} {prompt} {gold}");
    assertThat(prompt.columns()).containsExactly("gold");
    // A place in a completion is text.
    Rollout row = RewardRows.row("$1 {gold}", Map.of("gold", "\\4"));
    assertThat(prompt.of(RewardBatch.of(List.of(row)), 0))
        .isEqualTo("$1 {gold} \\4 {\"a\": 1} prompt \\4");
    Options options = new Options(Map.of("template", "{completion} {gold}"));
    assertThat(Judge.SPEC.columns(options)).containsExactly("gold");
  }

  @Test
  void theKeyStandsInNoMessage() {
    Map<String, Object> missing =
        options("http://127.0.0.1:1", Map.of("api_key_name", "OTHER_KEY"));
    assertThatThrownBy(
            () -> Judge.SPEC.create().apply(RewardFunctions.options(Judge.SPEC, missing), WITH_KEY))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "rewards: judge: api_key_name: neither an environment variable of the driver nor a"
                + " Hadoop credential is called 'OTHER_KEY'");
    RewardContext broken =
        new RewardContext() {
          @Override
          public Optional<String> secret(String name) {
            return Optional.of("two words");
          }

          @Override
          public RewardFunction model(String folder) {
            return batch -> List.of(OptionalDouble.empty());
          }
        };
    assertThatThrownBy(
            () -> Judge.SPEC.create().apply(RewardFunctions.options(Judge.SPEC, missing), broken))
        .hasMessage(
            "rewards: judge: api_key_name: what 'OTHER_KEY' holds is no key: it must be printable"
                + " ASCII without spaces");
  }

  @Test
  void optionsAreChecked() {
    assertRefused(Map.of("base_url", "ftp://x"), "base_url of judge: must be an http or https URL");
    assertRefused(Map.of("base_url", ""), "base_url of judge: must be given");
    assertRefused(Map.of("model", ""), "model of judge: must be given");
    assertRefused(
        Map.of("template", "{prompt}"),
        "template of judge: must have a place for the {completion}");
    assertRefused(Map.of("answer_pattern", "score"), "answer_pattern of judge: must have a group");
    assertRefused(
        Map.of("answer_pattern", "("),
        "answer_pattern of judge: must be a regular expression of Java");
    assertRefused(Map.of("highest", 0.0), "highest of judge: must be above lowest");
  }

  /** A run file's problems are all listed, so every rule must bear what another one refuses. */
  @Test
  void everyRuleBearsBadOptions() {
    Options options =
        new Options(
            RewardFunctions.options(Judge.SPEC, options("http://127.0.0.1:1", Map.of()))
                .values()
                .entrySet()
                .stream()
                .collect(
                    Collectors.toMap(
                        Map.Entry::getKey,
                        entry -> entry.getValue() instanceof String ? "(" : entry.getValue())));
    assertThat(Judge.SPEC.rules().stream().filter(rule -> !rule.holds().test(options)))
        .extracting(ObjectiveSpec.Rule::option)
        .containsExactly("base_url", "answer_pattern", "template");
  }

  private static void assertRefused(Map<String, Object> more, String message) {
    assertThatThrownBy(
            () -> RewardFunctions.options(Judge.SPEC, options("http://127.0.0.1:1", more)))
        .hasMessage("rewards: " + message);
  }
}
