package dev.collimate.text;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.files.FolderSink;
import java.io.IOException;
import java.util.List;

/**
 * The smallest tokenizer that can write any text: one token per byte of UTF-8, and three special
 * tokens. transformers loads what it writes.
 */
public final class ByteLevelTokenizer {

  public static final int PAD_ID = 0;
  public static final int BOS_ID = 1;
  public static final int EOS_ID = 2;

  /** Special tokens and 256 bytes; the byte b has the id b + 3. */
  public static final int VOCABULARY_SIZE = 259;

  private static final List<String> SPECIAL_TOKENS = List.of("<pad>", "<bos>", "<eos>");

  private static final String CHAT_TEMPLATE =
      """
      {%- for message in messages -%}
        {{- message['role'] + ': ' -}}
        {%- if message['role'] == 'assistant' -%}
          {%- generation -%}{{- message['content'] + eos_token -}}{%- endgeneration -%}
        {%- else -%}
          {{- message['content'] -}}
        {%- endif -%}
        {{- '\\n' -}}
      {%- endfor -%}
      {%- if add_generation_prompt -%}{{- 'assistant: ' -}}{%- endif -%}
      """;

  private static final ObjectMapper MAPPER = new ObjectMapper();

  private ByteLevelTokenizer() {}

  /** Writes tokenizer.json, tokenizer_config.json and special_tokens_map.json. */
  public static void write(FolderSink sink) throws IOException {
    write(sink, TokenizerFiles.TOKENIZER, tokenizer());
    write(sink, TokenizerFiles.SPECIAL_TOKENS, specialTokensMap(MAPPER.createObjectNode()));
    ObjectNode config = MAPPER.createObjectNode();
    config.put("tokenizer_class", "PreTrainedTokenizerFast");
    specialTokensMap(config);
    config.put("clean_up_tokenization_spaces", false);
    config.put("model_max_length", 1_000_000);
    config.put("chat_template", CHAT_TEMPLATE);
    write(sink, TokenizerFiles.CONFIG, config);
  }

  private static void write(FolderSink sink, String name, ObjectNode content) throws IOException {
    sink.write(
        name, MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(content).getBytes(UTF_8));
  }

  private static ObjectNode specialTokensMap(ObjectNode into) {
    return into.put("pad_token", SPECIAL_TOKENS.get(PAD_ID))
        .put("bos_token", SPECIAL_TOKENS.get(BOS_ID))
        .put("eos_token", SPECIAL_TOKENS.get(EOS_ID));
  }

  private static ObjectNode tokenizer() {
    ObjectNode root = MAPPER.createObjectNode();
    root.put("version", "1.0").putNull("truncation").putNull("padding");
    ArrayNode added = root.putArray("added_tokens");
    for (int id = 0; id < SPECIAL_TOKENS.size(); id++) {
      ObjectNode token = added.addObject();
      token.put("id", id).put("content", SPECIAL_TOKENS.get(id));
      token.put("single_word", false).put("lstrip", false).put("rstrip", false);
      token.put("normalized", false).put("special", true);
    }
    root.putNull("normalizer");
    byteLevel(root.putObject("pre_tokenizer"));
    root.putNull("post_processor");
    byteLevel(root.putObject("decoder"));
    ObjectNode model = root.putObject("model");
    model.put("type", "BPE").putNull("dropout").putNull("unk_token");
    model.putNull("continuing_subword_prefix").putNull("end_of_word_suffix");
    model.put("fuse_unk", false).put("byte_fallback", false);
    ObjectNode vocabulary = model.putObject("vocab");
    for (int id = 0; id < SPECIAL_TOKENS.size(); id++) {
      vocabulary.put(SPECIAL_TOKENS.get(id), id);
    }
    for (int b = 0; b < 256; b++) {
      vocabulary.put(Character.toString(visible(b)), SPECIAL_TOKENS.size() + b);
    }
    model.putArray("merges");
    return root;
  }

  private static void byteLevel(ObjectNode node) {
    node.put("type", "ByteLevel").put("add_prefix_space", false);
    node.put("trim_offsets", true).put("use_regex", false);
  }

  /**
   * The character that stands for a byte in a byte-level vocabulary: itself where it can be seen,
   * else one from U+0100 on, in the order of the bytes (GPT-2's table).
   */
  private static int visible(int b) {
    if (isVisible(b)) {
      return b;
    }
    int hiddenBefore = 0;
    for (int other = 0; other < b; other++) {
      hiddenBefore += isVisible(other) ? 0 : 1;
    }
    return 0x100 + hiddenBefore;
  }

  private static boolean isVisible(int b) {
    return (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
  }
}
