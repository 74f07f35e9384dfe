package dev.collimate.train;

import dev.collimate.text.Tokenizer;
import java.io.IOException;
import java.util.Optional;

/** The model's tokenizer, where its folder has one. */
record TokenizerIfAny(Optional<Tokenizer> tokenizer) implements AutoCloseable {

  static TokenizerIfAny of(PolicySource policy) throws IOException {
    return new TokenizerIfAny(
        policy.model().hasTokenizer()
            ? Optional.of(Tokenizer.load(policy.model().folder()))
            : Optional.empty());
  }

  @Override
  public void close() {
    tokenizer.ifPresent(Tokenizer::close);
  }
}
