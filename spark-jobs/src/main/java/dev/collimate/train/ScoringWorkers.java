package dev.collimate.train;

import dev.collimate.aggregate.Aggregator;
import dev.collimate.executor.ModelSpec;
import dev.collimate.parameters.FlatVector;
import dev.collimate.reward.RewardBatch;
import dev.collimate.text.Tokenizer;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Has the workers of a run score texts with reward models. Their work is one round at a time of the
 * run's own, between two of which the policy does not change.
 */
final class ScoringWorkers implements RewardModels {

  /** Texts of a lease; each runs by itself. */
  private static final int TEXTS_PER_LEASE = 8;

  private Aggregator aggregator;
  private long version;
  private FlatVector parameters;

  /** The policy that the workers hold, from now on. */
  synchronized void hold(Aggregator workers, long number, FlatVector values) {
    aggregator = workers;
    version = number;
    parameters = values;
  }

  @Override
  public synchronized List<OptionalDouble> score(
      ModelSpec model, Tokenizer tokenizer, RewardBatch batch) {
    List<byte[]> work = new ArrayList<>();
    for (int from = 0; from < batch.size(); from += TEXTS_PER_LEASE) {
      List<int[]> texts = new ArrayList<>();
      for (int i = from; i < Math.min(from + TEXTS_PER_LEASE, batch.size()); i++) {
        texts.add(tokenizer.encode(batch.prompts().get(i) + batch.completions().get(i)));
      }
      work.add(new OnlineWork.Score(model, texts).toBytes());
    }
    List<OptionalDouble> scores = new ArrayList<>();
    for (byte[] answer : aggregator.map(version, parameters, work)) {
      try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(answer))) {
        for (float score : OnlineWork.readFloats(in)) {
          scores.add(OptionalDouble.of(score));
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return scores;
  }
}
