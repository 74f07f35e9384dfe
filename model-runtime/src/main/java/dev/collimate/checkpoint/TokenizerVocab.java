package dev.collimate.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import dev.collimate.text.TokenizerFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.SortedMap;
import java.util.TreeMap;

/** The tokens that a tokenizer can give, by id. */
public final class TokenizerVocab {

  private static final String FILE = "tokenizer.json";

  private TokenizerVocab() {}

  /**
   * Checks that every id has a row in an embedding, those of the tokens that only
   * tokenizer_config.json names included.
   *
   * @throws CollimateException of kind DATA that names the largest id where it has none
   */
  public static void requireFits(Folder tokenizer, int vocabSize) {
    SortedMap<Long, String> tokens = tokens(tokenizer);
    long largest = tokens.isEmpty() ? -1 : tokens.lastKey();
    if (largest >= vocabSize) {
      throw CollimateException.data(
          "%s, with what 'tokenizer_config.json' adds, has token ids up to %d, but config.json has vocab_size %d; %d or more is needed"
              .formatted(source(tokenizer), largest, vocabSize, largest + 1));
    }
  }

  /**
   * Whether two tokenizers have the same tokens under the same ids, so that a model reads ids of
   * the other's as its own. How texts are cut, and how the files are laid out, may differ.
   */
  public static boolean haveSameIds(Folder one, Folder other) {
    return tokens(one).equals(tokens(other));
  }

  private static String source(Folder tokenizer) {
    return "'%s' in %s".formatted(FILE, tokenizer.location());
  }

  private static String json(Folder tokenizer) {
    try {
      return TokenizerFiles.read(tokenizer).json();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read the tokenizer of " + tokenizer.location(), e);
    }
  }

  /** By id. */
  private static SortedMap<Long, String> tokens(Folder tokenizer) {
    ObjectNode json = JsonFile.parse(json(tokenizer).getBytes(UTF_8), source(tokenizer));
    SortedMap<Long, String> tokens = new TreeMap<>();
    JsonNode vocab = json.path("model").path("vocab");
    if (vocab.isArray()) {
      // Unigram: [token, score] pairs, the id is the place.
      for (int id = 0; id < vocab.size(); id++) {
        tokens.put((long) id, vocab.get(id).path(0).asText());
      }
    } else {
      vocab.properties().forEach(token -> tokens.put(token.getValue().asLong(), token.getKey()));
    }
    for (JsonNode token : json.path("added_tokens")) {
      tokens.put(token.path("id").asLong(), token.path("content").asText());
    }
    return tokens;
  }
}
