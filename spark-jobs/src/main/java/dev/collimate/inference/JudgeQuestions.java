package dev.collimate.inference;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.collimate.CollimateException;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a language model is asked about an answer.
 *
 * @param questions by the feature that the answer to them is; of a feature by category, {@code
 *     default} for every other. Columns stand in braces; {@code {completion}} is the answer judged
 * @param answer what is read of the model
 * @param yes spellings of yes, of which those count that are one token; likewise {@code no}
 * @param least of a number; others, and none, are no answer; likewise {@code most}
 * @param category the column by which a question is chosen
 * @param isChat whether the question is a user's message under the model's chat template
 */
record JudgeQuestions(
    Map<String, Map<String, String>> questions,
    Answer answer,
    List<String> yes,
    List<String> no,
    int least,
    int most,
    String category,
    boolean isChat)
    implements Serializable {

  private static final long serialVersionUID = 1L;
  static final String DEFAULT = "default";

  private static final YAMLMapper YAML =
      YAMLMapper.builder().enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY).build();
  private static final Set<String> KEYS =
      Set.of("questions", "answer", "yes", "no", "min", "max", "category", "chat");
  private static final Pattern COLUMN = Pattern.compile("\\{(\\w+)\\}");
  private static final Pattern NUMBER = Pattern.compile("\\d+");

  /** What is read of the model. */
  enum Answer {
    /** The probability of yes against no at the next token. */
    YES,
    /** The first whole number of what the model writes greedily. */
    NUMBER
  }

  JudgeQuestions {
    questions = new LinkedHashMap<>(questions);
    yes = List.copyOf(yes);
    no = List.copyOf(no);
  }

  /**
   * Reads a YAML file of questions.
   *
   * @throws CollimateException (usage) naming the key and what it must be
   */
  static JudgeQuestions read(String key, byte[] yaml) {
    JsonNode root;
    try {
      root = YAML.readTree(yaml);
    } catch (JsonProcessingException e) {
      throw new CollimateException(
          CollimateException.Kind.USAGE,
          "%s: is no YAML: %s".formatted(key, e.getOriginalMessage()),
          e);
    } catch (IOException e) {
      throw new CollimateException(
          CollimateException.Kind.USAGE, "%s: %s".formatted(key, e.getMessage()), e);
    }
    root.fieldNames()
        .forEachRemaining(
            name -> {
              if (!KEYS.contains(name)) {
                throw CollimateException.usage(
                    "%s: '%s' is unknown; known are %s"
                        .formatted(key, name, String.join(", ", new TreeSet<>(KEYS))));
              }
            });
    String answer = root.path("answer").asText("yes");
    if (!answer.equals("yes") && !answer.equals("number")) {
      throw CollimateException.usage(
          "%s: answer must be yes or number, got '%s'".formatted(key, answer));
    }
    requireEffect(key, root, answer, "yes", List.of("yes", "no"));
    requireEffect(key, root, answer, "number", List.of("min", "max"));
    return new JudgeQuestions(
        questions(key, root.path("questions")),
        answer.equals("yes") ? Answer.YES : Answer.NUMBER,
        texts(key, root, "yes", List.of(" Yes", "Yes", " yes", "yes")),
        texts(key, root, "no", List.of(" No", "No", " no", "no")),
        root.path("min").asInt(1),
        root.path("max").asInt(10),
        root.path("category").asText("category"),
        root.path("chat").asBoolean(false));
  }

  private static void requireEffect(
      String key, JsonNode root, String answer, String owner, List<String> keys) {
    for (String name : keys) {
      if (root.has(name) && !answer.equals(owner)) {
        throw CollimateException.usage(
            "%s: %s has no effect with answer: %s; it belongs to %s"
                .formatted(key, name, answer, owner));
      }
    }
  }

  private static Map<String, Map<String, String>> questions(String key, JsonNode node) {
    if (!node.isObject() || node.isEmpty()) {
      throw CollimateException.usage(
          key
              + ": questions must name a feature and its question, such as questions: {reward: \"{prompt}"
              + " {completion} Is this right?\"}");
    }
    Map<String, Map<String, String>> questions = new LinkedHashMap<>();
    node.properties()
        .forEach(
            feature -> {
              Map<String, String> byCategory = new LinkedHashMap<>();
              if (feature.getValue().isTextual()) {
                byCategory.put(DEFAULT, feature.getValue().asText());
              } else {
                feature
                    .getValue()
                    .properties()
                    .forEach(each -> byCategory.put(each.getKey(), each.getValue().asText()));
              }
              byCategory.forEach(
                  (category, question) -> {
                    if (!question.contains("{completion}")) {
                      throw CollimateException.usage(
                          "%s: the question '%s' (%s) does not hold {completion}, which it is about"
                              .formatted(key, feature.getKey(), category));
                    }
                  });
              questions.put(feature.getKey(), byCategory);
            });
    return questions;
  }

  private static List<String> texts(String key, JsonNode root, String name, List<String> usual) {
    if (!root.has(name)) {
      return usual;
    }
    List<String> texts = new ArrayList<>();
    root.get(name).forEach(item -> texts.add(item.asText()));
    if (texts.isEmpty()) {
      throw CollimateException.usage(
          "%s: %s must be a list of spellings, got %s".formatted(key, name, root.get(name)));
    }
    return texts;
  }

  /**
   * The question about one answer.
   *
   * @param completion the column that holds the answer
   * @throws CollimateException (data) where a column is missing, or no question fits the row
   */
  String ask(String feature, Map<String, Object> row, String completion, long number) {
    Map<String, String> byCategory = questions.get(feature);
    String question = byCategory.get(String.valueOf(row.get(category)));
    if (question == null) {
      question = byCategory.get(DEFAULT);
    }
    if (question == null) {
      throw CollimateException.data(
          "--data: row %d has the %s '%s', for which there is no question '%s', nor one for default"
              .formatted(number + 1, category, row.get(category), feature));
    }
    StringBuilder text = new StringBuilder();
    Matcher matcher = COLUMN.matcher(question);
    int end = 0;
    while (matcher.find()) {
      String column = matcher.group(1).equals("completion") ? completion : matcher.group(1);
      text.append(question, end, matcher.start()).append(text(row, column, number));
      end = matcher.end();
    }
    return text.append(question, end, question.length()).toString();
  }

  /** A column as text: of a conversation what its messages say. */
  private static String text(Map<String, Object> row, String column, long number) {
    Object value = row.get(column);
    if (value instanceof List<?> messages
        && messages.stream()
            .allMatch(m -> m instanceof Map<?, ?> map && map.get("content") instanceof String)) {
      List<String> contents = new ArrayList<>();
      messages.forEach(message -> contents.add((String) ((Map<?, ?>) message).get("content")));
      return String.join("\n\n", contents);
    }
    if (value == null || value instanceof List<?> || value instanceof Map<?, ?>) {
      throw CollimateException.data(
          "--data: row %d has no text in column '%s', which a question reads"
              .formatted(number + 1, column));
    }
    return value.toString();
  }

  /** The first whole number within the bounds; null where there is none. */
  Double number(String written) {
    Matcher matcher = NUMBER.matcher(written);
    while (matcher.find()) {
      if (matcher.group().length() < 9) {
        int number = Integer.parseInt(matcher.group());
        if (number >= least && number <= most) {
          return (double) number;
        }
      }
    }
    return null;
  }
}
