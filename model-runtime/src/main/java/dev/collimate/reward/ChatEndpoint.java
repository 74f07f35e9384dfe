package dev.collimate.reward;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.failsafe.Failsafe;
import dev.failsafe.FailsafeExecutor;
import dev.failsafe.RetryPolicy;
import dev.failsafe.Timeout;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * An OpenAI-compatible endpoint of chat completions. What may pass is tried again: 408, 429, 5xx,
 * broken connections, silence, and answers that are no JSON; with a growing wait of which a random
 * part is left out, or as long as the server asks.
 */
final class ChatEndpoint {

  /** A judge's answer has some kilobytes. */
  private static final int MOST_BYTES = 4 << 20;

  private static final int MOST_SHOWN = 200;

  private static final double JITTER = 0.25;

  private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);

  /** What means to the retries that they choose the wait. */
  private static final Duration NOT_ASKED = Duration.ofMillis(-1);

  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * How patient a client is.
   *
   * @param request the longest wait for one answer
   * @param retries after the first try
   * @param backoff before the first retry; doubled before every further one
   */
  record Patience(Duration request, int retries, Duration backoff) {}

  private final URI address;
  private final Optional<String> key;
  private final HttpClient client;
  private final FailsafeExecutor<HttpResponse<byte[]>> tries;

  /**
   * @param base such as {@code http://host:8000/v1}
   * @param key sent as a bearer token; printable ASCII
   */
  ChatEndpoint(String base, Optional<String> key, Patience patience) {
    this.address = URI.create(base.replaceFirst("/+$", "") + "/chat/completions");
    this.key = key;
    // The token must not follow a redirection.
    this.client =
        HttpClient.newBuilder()
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(patience.request())
            .build();
    // A request's own timeout would end with the headers.
    Timeout<HttpResponse<byte[]>> timeout =
        Timeout.<HttpResponse<byte[]>>builder(patience.request()).withInterrupt().build();
    this.tries = Failsafe.with(retry(patience), timeout).with(threads());
  }

  private static RetryPolicy<HttpResponse<byte[]>> retry(Patience patience) {
    return RetryPolicy.<HttpResponse<byte[]>>builder()
        .withMaxRetries(patience.retries())
        .withBackoff(patience.backoff(), LONGEST_WAIT)
        .withJitter(JITTER)
        .handle(Exception.class)
        .handleResultIf(response -> mayPass(response.statusCode()) || !isJson(response))
        .withDelayFn(context -> askedWait(context.getLastResult()))
        .build();
  }

  private static ExecutorService threads() {
    return Executors.newCachedThreadPool(
        task -> {
          Thread thread = new Thread(task, "judge");
          thread.setDaemon(true);
          return thread;
        });
  }

  private static boolean mayPass(int status) {
    return status == 408 || status == 429 || status >= 500;
  }

  private static boolean isJson(HttpResponse<byte[]> response) {
    return response.statusCode() != 200 || json(response).isPresent();
  }

  private static Optional<JsonNode> json(HttpResponse<byte[]> response) {
    try {
      return Optional.ofNullable(JSON.readTree(response.body()));
    } catch (JsonProcessingException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new IllegalStateException("bytes in memory can be read", e);
    }
  }

  /** Retry-After, in seconds or as a date; below 0 where the server does not ask for a wait. */
  private static Duration askedWait(HttpResponse<byte[]> response) {
    if (response == null) {
      return NOT_ASKED;
    }
    return response
        .headers()
        .firstValue("Retry-After")
        .flatMap(ChatEndpoint::wait)
        // Such that what jitter takes off leaves what was asked for.
        .map(wait -> Duration.ofMillis(Math.round(wait.toMillis() / (1 - JITTER))))
        .orElse(NOT_ASKED);
  }

  private static Optional<Duration> wait(String text) {
    if (text.matches("\\d{1,6}")) {
      return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
    }
    try {
      Instant until = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      Duration wait = Duration.between(Instant.now(), until);
      return Optional.of(wait.isNegative() ? Duration.ZERO : wait);
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
  }

  /**
   * Asks.
   *
   * @param body of the request, JSON
   * @return done with the last answer, which may be a refusal; cancelling it ends the exchange
   */
  CompletableFuture<HttpResponse<byte[]>> ask(String body) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(address)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body));
    key.ifPresent(token -> request.header("Authorization", "Bearer " + token));
    HttpRequest built = request.build();
    return tries.getAsync(() -> client.send(built, info -> new BoundedBody(MOST_BYTES)));
  }

  /**
   * The content of the first choice's message.
   *
   * @throws JudgeException where there is none
   */
  String content(HttpResponse<byte[]> response) {
    if (response.statusCode() != 200) {
      throw new JudgeException(
          "HTTP %d: %s".formatted(response.statusCode(), shown(response.body())));
    }
    JsonNode content =
        json(response)
            .orElseThrow(() -> new JudgeException("no JSON: " + shown(response.body())))
            .at("/choices/0/message/content");
    if (!content.isTextual()) {
      throw new JudgeException("no choices[0].message.content in " + shown(response.body()));
    }
    return content.textValue();
  }

  /** The beginning of a server's text; it may repeat the token. */
  private String shown(byte[] body) {
    String text = new String(body, StandardCharsets.UTF_8).replaceAll("\\s+", " ").strip();
    String clean = key.isPresent() ? text.replace(key.get(), "***") : text;
    return clean.length() <= MOST_SHOWN ? clean : clean.substring(0, MOST_SHOWN) + "…";
  }
}
