package dev.collimate.train;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/**
 * A completion as a worker wrote it.
 *
 * @param ids with the end-of-sequence token where it ended by one
 * @param logProbs the sampler's, of the ids
 * @param ended whether it came to an end by itself
 */
record Written(int[] ids, float[] logProbs, boolean ended) {

  /** The role of the sequence of a row that is a prompt. */
  static final String PROMPT = "prompt";

  /** Reads a worker's answer. */
  static List<Written> all(byte[] answer, int count) {
    List<Written> all = new ArrayList<>(count);
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(answer))) {
      for (int i = 0; i < count; i++) {
        all.add(new Written(OnlineWork.readInts(in), OnlineWork.readFloats(in), in.readBoolean()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return all;
  }
}
