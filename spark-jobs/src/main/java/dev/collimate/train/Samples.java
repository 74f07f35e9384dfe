package dev.collimate.train;

import dev.collimate.aggregate.Aggregator;
import dev.collimate.parameters.FlatVector;
import dev.collimate.text.Tokenizer;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Greedy completions of the first held-out prompts, for the report. */
final class Samples {

  private final SplitRows rows;
  private final Aggregator aggregator;
  private final Optional<Tokenizer> tokenizer;
  private final int count;
  private final int maxNewTokens;

  Samples(
      SplitRows rows,
      Aggregator aggregator,
      Optional<Tokenizer> tokenizer,
      int count,
      int maxNewTokens) {
    this.rows = rows;
    this.aggregator = aggregator;
    this.tokenizer = tokenizer;
    this.count = Math.min(count, rows.count());
    this.maxNewTokens = maxNewTokens;
  }

  /** A prompt and what the model wrote to it. */
  record Completion(String prompt, String text) {}

  List<Completion> complete(long version, FlatVector parameters) {
    List<byte[]> work = new ArrayList<>();
    for (int row = 0; row < count; row++) {
      work.add(
          new WorkItem.Sample(List.of(rows.address(row, new double[0])), maxNewTokens).toBytes());
    }
    List<Completion> completions = new ArrayList<>();
    for (byte[] answer : aggregator.map(version, parameters, work)) {
      try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(answer))) {
        String prompt = text(readIds(in));
        completions.add(new Completion(prompt, text(readIds(in))));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return completions;
  }

  private String text(int[] ids) {
    return tokenizer
        .map(present -> present.decodeSkippingSpecialTokens(ids))
        .orElseGet(() -> Arrays.toString(ids));
  }

  private static int[] readIds(DataInputStream in) throws IOException {
    int[] ids = new int[in.readInt()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = in.readInt();
    }
    return ids;
  }
}
