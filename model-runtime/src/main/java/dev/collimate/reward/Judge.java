package dev.collimate.reward;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.CollimateException;
import dev.collimate.objective.ObjectiveOption;
import dev.collimate.objective.ObjectiveSpec.Rule;
import dev.collimate.objective.Options;
import java.net.URI;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.regex.Pattern;

/**
 * A language model behind an OpenAI-compatible endpoint that reads a row and says a score. The rows
 * of a call are asked at the same time, equal ones once; scores are remembered.
 */
final class Judge implements RewardFunction {

  private static final String TEMPLATE =
      """
      Rate how well the response answers the request.

      [Request]
      {prompt}

      [Response]
      {completion}

      Explain in one sentence, then end with a line "Score: N", where N is a whole number from 0 (useless) to 10 (perfect).\
      """;

  static final RewardSpec SPEC =
      new RewardSpec(
          "judge",
          "The score that a language model behind an OpenAI-compatible endpoint gives, as `(score -"
              + " lowest) / (highest - lowest)`. 408, 429, 5xx, broken connections and answers that"
              + " are no JSON are tried again.",
          "Own; the API is that of OpenAI's chat completions, which vLLM and others serve",
          RewardSpec.Runs.ON_THE_DRIVER,
          RewardLimits.USUAL.withTimeout(Duration.ofMinutes(3)).withConcurrency(8),
          options -> new JudgePrompt(options.text("template")).columns(),
          List.of(
              ObjectiveOption.text(
                  "base_url",
                  "",
                  "The endpoint without `/chat/completions`, such as `http://host:8000/v1`; it must"
                      + " be given."),
              ObjectiveOption.text("model", "", "The model's name there; it must be given."),
              ObjectiveOption.text(
                  "api_key_name",
                  "",
                  "The environment variable of the driver, or else the Hadoop credential, with the"
                      + " API key; empty: none is sent."),
              ObjectiveOption.text("system", "", "The system message; empty: none."),
              ObjectiveOption.text(
                  "template",
                  TEMPLATE,
                  "The user message. `{prompt}`, `{completion}` and the names of columns in braces"
                      + " are replaced by the row's."),
              ObjectiveOption.text(
                  AnswerPart.OPTION,
                  "(?i)score\\W*(-?[0-9]+(?:\\.[0-9]+)?)",
                  "A regular expression whose first group, in its last match in the judge's answer,"
                      + " is the score."),
              ObjectiveOption.number("lowest", 0.0, "", "The score that is a reward of 0."),
              ObjectiveOption.number(
                  "highest",
                  10.0,
                  "",
                  "The score that is a reward of 1. One beyond the two costs its row."),
              ObjectiveOption.number("temperature", 0.0, ">= 0", "Of the judge's sampling."),
              ObjectiveOption.number("max_tokens", 512.0, ">= 1", "Of the judge's answer."),
              ObjectiveOption.number(
                  "request_timeout", 60.0, "> 0", "Seconds that one request may take."),
              ObjectiveOption.number("retries", 5.0, ">= 0 and <= 100", "Tries after the first."),
              ObjectiveOption.number(
                  "backoff",
                  1.0,
                  "> 0 and <= 30",
                  "Seconds before the first retry, doubled for each further one, up to a quarter"
                      + " more or less; what the server asks for by `Retry-After` comes first."),
              ObjectiveOption.number(
                  "cache_size", 10000.0, ">= 0", "Scores that are remembered, by request.")),
          List.of(
              given("base_url"),
              new Rule(
                  "base_url",
                  "must be an http or https URL",
                  options -> isUrl(options.text("base_url"))),
              given("model"),
              AnswerPart.compiles(AnswerPart.OPTION),
              new Rule(
                  AnswerPart.OPTION,
                  "must have a group",
                  options -> AnswerPart.hasGroup(options.text(AnswerPart.OPTION))),
              new Rule(
                  "template",
                  "must have a place for the {completion}",
                  options ->
                      new JudgePrompt(options.text("template")).places().contains("completion")),
              new Rule(
                  "highest",
                  "must be above lowest",
                  options -> options.number("highest") > options.number("lowest")),
              LengthReward.whole("max_tokens"),
              LengthReward.whole("retries"),
              LengthReward.whole("cache_size")),
          (options, context) -> {
            Judge judge = new Judge(options, key(options, context));
            return () -> judge;
          });

  private static final ObjectMapper JSON = new ObjectMapper();

  private static final int MILLIS = 1000;

  private final Options options;
  private final JudgePrompt prompt;
  private final Pattern score;
  private final ChatEndpoint endpoint;
  private final Map<String, Double> remembered;

  private Judge(Options options, Optional<String> key) {
    this.options = options;
    this.prompt = new JudgePrompt(options.text("template"));
    this.score = Pattern.compile(options.text(AnswerPart.OPTION), Pattern.DOTALL);
    this.endpoint =
        new ChatEndpoint(
            options.text("base_url"),
            key,
            new ChatEndpoint.Patience(
                seconds("request_timeout"), (int) options.number("retries"), seconds("backoff")));
    this.remembered = Collections.synchronizedMap(new Latest((int) options.number("cache_size")));
  }

  /** The entries that were used last. */
  private static final class Latest extends LinkedHashMap<String, Double> {
    private static final long serialVersionUID = 1;

    private final int most;

    Latest(int most) {
      super(16, 0.75f, /* accessOrder= */ true);
      this.most = most;
    }

    @Override
    protected boolean removeEldestEntry(Map.Entry<String, Double> eldest) {
      return size() > most;
    }
  }

  private Duration seconds(String option) {
    return Duration.ofMillis(Math.max(1, Math.round(options.number(option) * MILLIS)));
  }

  private static Rule given(String option) {
    return new Rule(option, "must be given", options -> !options.text(option).isEmpty());
  }

  /** Nothing given is another rule's. */
  private static boolean isUrl(String text) {
    if (text.isEmpty()) {
      return true;
    }
    try {
      URI uri = URI.create(text);
      return uri.getHost() != null && Set.of("http", "https").contains(uri.getScheme());
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static Optional<String> key(Options options, RewardContext context) {
    String name = options.text("api_key_name");
    if (name.isEmpty()) {
      return Optional.empty();
    }
    String key =
        context
            .secret(name)
            .map(String::strip)
            .orElseThrow(
                () ->
                    CollimateException.usage(
                        "rewards: judge: api_key_name: neither an environment variable of the driver nor a Hadoop credential is called '%s'"
                            .formatted(name)));
    // A header that cannot be sent would be quoted in the client's message.
    if (!key.matches("[!-~]+")) {
      throw CollimateException.usage(
          "rewards: judge: api_key_name: what '%s' holds is no key: it must be printable ASCII without spaces"
              .formatted(name));
    }
    return Optional.of(key);
  }

  @Override
  public List<OptionalDouble> score(RewardBatch batch) throws Exception {
    List<String> requests = new ArrayList<>();
    Map<String, Double> rewards = new HashMap<>();
    Map<String, CompletableFuture<HttpResponse<byte[]>>> asked = new LinkedHashMap<>();
    for (int row = 0; row < batch.size(); row++) {
      String request = request(prompt.of(batch, row));
      requests.add(request);
      Double known = remembered.get(request);
      if (known == null) {
        asked.computeIfAbsent(request, endpoint::ask);
      } else {
        rewards.put(request, known);
      }
    }
    try {
      for (Map.Entry<String, CompletableFuture<HttpResponse<byte[]>>> answer : asked.entrySet()) {
        double reward = reward(endpoint.content(answer.getValue().get()));
        rewards.put(answer.getKey(), reward);
        remembered.put(answer.getKey(), reward);
      }
      return requests.stream().map(rewards::get).map(OptionalDouble::of).toList();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    } finally {
      asked.values().forEach(answer -> answer.cancel(true));
    }
  }

  private String request(String message) {
    ObjectNode request = JSON.createObjectNode();
    request.put("model", options.text("model"));
    ArrayNode messages = request.putArray("messages");
    if (!options.text("system").isEmpty()) {
      messages.addObject().put("role", "system").put("content", options.text("system"));
    }
    messages.addObject().put("role", "user").put("content", message);
    request.put("temperature", options.number("temperature"));
    request.put("max_tokens", (int) options.number("max_tokens"));
    return request.toString();
  }

  /** The score in the answer, from 0 to 1. */
  private double reward(String answer) {
    String said =
        AnswerPart.last(score, answer)
            .orElseThrow(() -> new JudgeException("no score in " + quoted(answer)));
    double lowest = options.number("lowest");
    double highest = options.number("highest");
    double number = number(said, answer);
    if (!(number >= lowest && number <= highest)) {
      throw new JudgeException(
          "the score %s is not from %s to %s".formatted(said, lowest, highest));
    }
    return (number - lowest) / (highest - lowest);
  }

  private static double number(String said, String answer) {
    try {
      return Double.parseDouble(said);
    } catch (NumberFormatException e) {
      throw new JudgeException("the score '%s' is no number in %s".formatted(said, quoted(answer)));
    }
  }

  private static String quoted(String answer) {
    return "'" + (answer.length() <= 100 ? answer : answer.substring(0, 100) + "…") + "'";
  }
}
