package dev.collimate.text;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Map.Entry;
import java.util.TreeMap;

/**
 * What a folder says about its tokenizer.
 *
 * @param json {@code tokenizer.json}, with the tokens added that only {@code tokenizer_config.json}
 *     names, as transformers does when it loads them
 * @param specialTokens by role: {@code bos_token}, {@code eos_token}, {@code pad_token}, ...
 * @param chatTemplates by name; the usual one is {@code default}
 */
public record TokenizerFiles(
    String json, Map<String, SpecialToken> specialTokens, Map<String, String> chatTemplates) {

  static final String TOKENIZER = "tokenizer.json";
  static final String CONFIG = "tokenizer_config.json";
  static final String SPECIAL_TOKENS = "special_tokens_map.json";
  static final String CHAT_TEMPLATE = "chat_template.jinja";

  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** Roles in the order in which transformers adds tokens that the vocabulary lacks. */
  private static final List<String> ROLES =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  private static final List<String> SLOW_FILES =
      List.of("tokenizer.model", "spiece.model", "vocab.json", "vocab.txt", "merges.txt");

  /**
   * Reads the files.
   *
   * @throws CollimateException of kind DATA where there is no {@code tokenizer.json}, or a file is
   *     broken
   */
  public static TokenizerFiles read(Folder folder) throws IOException {
    if (!folder.contains(TOKENIZER)) {
      throw missing(folder);
    }
    String json = new String(folder.readWhole(TOKENIZER), UTF_8);
    JsonNode tree = parse(folder, TOKENIZER, json);
    if (!(tree instanceof ObjectNode root) || !root.path("model").isObject()) {
      throw CollimateException.data(
          "tokenizer.json in %s has no 'model'; a file of the Hugging Face tokenizers library is expected"
              .formatted(folder.location()));
    }
    ObjectNode config = optionalObject(folder, CONFIG);
    // The decoder's presence means that the special tokens map holds nothing new (transformers).
    ObjectNode map =
        config.has("added_tokens_decoder")
            ? MAPPER.createObjectNode()
            : optionalObject(folder, SPECIAL_TOKENS);
    if (root.has("added_tokens") && !root.get("added_tokens").isArray()) {
      throw CollimateException.data(
          "'added_tokens' of tokenizer.json in %s is not a list of tokens"
              .formatted(folder.location()));
    }
    AddedTokens added = new AddedTokens(root);
    added.addDecoder(byId(folder, config.path("added_tokens_decoder")));
    Map<String, SpecialToken> specialTokens = new LinkedHashMap<>();
    for (String role : ROLES) {
      String text = tokenText(map.has(role) ? map.get(role) : config.path(role));
      if (!text.isEmpty()) {
        specialTokens.put(role, new SpecialToken(text, added.idOf(text)));
      }
    }
    return new TokenizerFiles(
        added.isChanged() ? MAPPER.writeValueAsString(root) : json,
        Map.copyOf(specialTokens),
        chatTemplates(folder, config));
  }

  /** The tokens of {@code added_tokens_decoder}, in the order of their ids. */
  private static Map<Integer, JsonNode> byId(Folder folder, JsonNode decoder) {
    Map<Integer, JsonNode> byId = new TreeMap<>();
    for (Entry<String, JsonNode> entry : decoder.properties()) {
      try {
        byId.put(Integer.valueOf(entry.getKey()), entry.getValue());
      } catch (NumberFormatException e) {
        throw new CollimateException(
            CollimateException.Kind.DATA,
            "'added_tokens_decoder' of %s in %s has the key '%s', token ids are expected"
                .formatted(CONFIG, folder.location(), entry.getKey()),
            e);
      }
    }
    return byId;
  }

  private static CollimateException missing(Folder folder) throws IOException {
    List<String> slow = SLOW_FILES.stream().filter(folder.names()::contains).toList();
    return CollimateException.data(
        slow.isEmpty()
            ? "%s has no tokenizer.json, which rows of text need; tokenized rows (prompt_input_ids, ...) need none"
                .formatted(folder.location())
            : "%s has no tokenizer.json, only the files of a slow tokenizer (%s); convert it with transformers' AutoTokenizer and save_pretrained"
                .formatted(folder.location(), String.join(", ", slow)));
  }

  private static String tokenText(JsonNode token) {
    return token.isObject() ? token.path("content").asText("") : token.asText("");
  }

  private static Map<String, String> chatTemplates(Folder folder, ObjectNode config)
      throws IOException {
    Map<String, String> templates = new LinkedHashMap<>();
    JsonNode configured = config.path("chat_template");
    if (configured.isTextual()) {
      templates.put("default", configured.asText());
    }
    for (JsonNode named : configured) {
      templates.put(named.path("name").asText(), named.path("template").asText());
    }
    if (folder.contains(CHAT_TEMPLATE)) {
      templates.put("default", new String(folder.readWhole(CHAT_TEMPLATE), UTF_8));
    }
    return Map.copyOf(templates);
  }

  private static ObjectNode optionalObject(Folder folder, String name) throws IOException {
    if (!folder.contains(name)) {
      return MAPPER.createObjectNode();
    }
    JsonNode tree = parse(folder, name, new String(folder.readWhole(name), UTF_8));
    if (tree instanceof ObjectNode object) {
      return object;
    }
    throw CollimateException.data(
        "%s in %s is not a JSON object".formatted(name, folder.location()));
  }

  private static JsonNode parse(Folder folder, String name, String json) {
    try {
      return MAPPER.readTree(json);
    } catch (JsonProcessingException e) {
      throw new CollimateException(
          CollimateException.Kind.DATA,
          "%s in %s is not JSON: %s".formatted(name, folder.location(), e.getOriginalMessage()),
          e);
    }
  }

  /** The added tokens of {@code tokenizer.json}, and those that have to be added to it. */
  private static final class AddedTokens {

    private final ArrayNode tokens;
    private final JsonNode vocabulary;
    private final Map<String, Integer> ids = new LinkedHashMap<>();
    private boolean changed;

    AddedTokens(ObjectNode root) {
      tokens = root.withArray("added_tokens");
      vocabulary = root.path("model").path("vocab");
      for (JsonNode token : tokens) {
        ids.put(token.path("content").asText(), token.path("id").asInt());
      }
    }

    boolean isChanged() {
      return changed;
    }

    void addDecoder(Map<Integer, JsonNode> byId) {
      byId.forEach(
          (id, token) -> {
            String text = token.path("content").asText();
            if (!ids.containsKey(text)) {
              add(text, token);
            }
          });
    }

    int idOf(String text) {
      Integer id = ids.get(text);
      return id != null ? id : add(text, MAPPER.createObjectNode().put("special", true));
    }

    private int add(String text, JsonNode flags) {
      int id = vocabularyId(text);
      ObjectNode token = tokens.addObject();
      token.put("id", id).put("content", text);
      for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized", "special")) {
        token.put(flag, flags.path(flag).asBoolean(false));
      }
      ids.put(text, id);
      changed = true;
      return id;
    }

    /** The id in the model's vocabulary, else the first free one: where the library adds it. */
    private int vocabularyId(String text) {
      if (vocabulary.isObject()) {
        JsonNode id = vocabulary.get(text);
        return id != null ? id.asInt() : firstFree();
      }
      for (int i = 0; i < vocabulary.size(); i++) {
        if (vocabulary.get(i).path(0).asText().equals(text)) {
          return i;
        }
      }
      return firstFree();
    }

    private int firstFree() {
      int free = vocabulary.size();
      for (int id : ids.values()) {
        free = Math.max(free, id + 1);
      }
      return free;
    }
  }
}
