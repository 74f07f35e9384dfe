package dev.collimate.train;

import dev.collimate.executor.ModelSpec;
import dev.collimate.reward.RewardBatch;
import dev.collimate.text.Tokenizer;
import java.util.List;
import java.util.OptionalDouble;

/** Has executors score completions with reward models. */
@FunctionalInterface
interface RewardModels {

  /**
   * The first score of every prompt and completion, joined as they are; as TRL, without the
   * tokenizer's special tokens around them.
   */
  List<OptionalDouble> score(ModelSpec model, Tokenizer tokenizer, RewardBatch batch);
}
