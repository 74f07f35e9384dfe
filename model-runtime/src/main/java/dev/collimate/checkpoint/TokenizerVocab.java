package dev.collimate.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.CollimateException;
import dev.collimate.files.Folder;

/** The ids that a tokenizer.json can give. */
final class TokenizerVocab {

  private static final String FILE = "tokenizer.json";

  private TokenizerVocab() {}

  /**
   * Checks that every id has a row in an embedding.
   *
   * @throws CollimateException of kind DATA that names the largest id where it has none
   */
  static void requireFits(Folder tokenizer, int vocabSize) {
    long largest = largestId(JsonFile.read(tokenizer, FILE));
    if (largest >= vocabSize) {
      throw CollimateException.data(
          "'%s' in %s has token ids up to %d, but config.json has vocab_size %d; %d or more is needed"
              .formatted(FILE, tokenizer.location(), largest, vocabSize, largest + 1));
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
