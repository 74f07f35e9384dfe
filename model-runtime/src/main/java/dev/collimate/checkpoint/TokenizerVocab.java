package dev.collimate.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import dev.collimate.text.TokenizerFiles;
import java.io.IOException;
import java.io.UncheckedIOException;

/** The ids that a tokenizer can give. */
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
    String source = "'%s' in %s".formatted(FILE, tokenizer.location());
    long largest = largestId(JsonFile.parse(json(tokenizer).getBytes(UTF_8), source));
    if (largest >= vocabSize) {
      throw CollimateException.data(
          "%s, with what 'tokenizer_config.json' adds, has token ids up to %d, but config.json has vocab_size %d; %d or more is needed"
              .formatted(source, largest, vocabSize, largest + 1));
    }
  }

  private static String json(Folder tokenizer) {
    try {
      return TokenizerFiles.read(tokenizer).json();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read the tokenizer of " + tokenizer.location(), e);
    }
  }

  private static long largestId(ObjectNode tokenizer) {
    long largest = -1;
    JsonNode vocab = tokenizer.path("model").path("vocab");
    if (vocab.isArray()) {
      // Unigram: [token, score] pairs, the id is the place.
      largest = vocab.size() - 1L;
    } else {
      for (JsonNode id : vocab) {
        largest = Math.max(largest, id.asLong());
      }
    }
    for (JsonNode token : tokenizer.path("added_tokens")) {
      largest = Math.max(largest, token.path("id").asLong());
    }
    return largest;
  }
}
