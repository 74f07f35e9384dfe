package dev.collimate.train;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.ModelConfig;
import dev.collimate.checkpoint.Positions;
import dev.collimate.data.PreparedData;
import dev.collimate.data.PreparedData.Split;
import dev.collimate.data.RowFacts;
import dev.collimate.data.ShardReader;
import java.io.IOException;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;

/**
 * How long a row a model can read: as long as its table of learned positions, where it has one.
 *
 * @param key of the run file that names the model
 * @param completion tokens that will follow each row
 */
record LearnedPositions(String key, ModelConfig model, int completion) {

  /** Of rows that nothing follows. */
  LearnedPositions(String key, ModelConfig model) {
    this(key, model, 0);
  }

  /**
   * Refuses a data set with a longer row, before hours of work come to it.
   *
   * @throws CollimateException (usage) that names data.max_length and the row
   */
  void requireRoom(PreparedData data, Map<Split, RowFacts> facts, Configuration configuration)
      throws IOException {
    if (!(model.positions() instanceof Positions.Learned)) {
      return;
    }
    for (Map.Entry<Split, RowFacts> split : facts.entrySet()) {
      RowFacts rows = split.getValue();
      for (String role : data.index().roles()) {
        for (int row = 0; row < rows.count(); row++) {
          int length = rows.length(role, row) + completion;
          if (length > model.maxPositions()) {
            throw tooLong(data, split.getKey(), row, length, configuration);
          }
        }
      }
    }
  }

  private CollimateException tooLong(
      PreparedData data, Split split, int row, int length, Configuration configuration)
      throws IOException {
    try (ShardReader reader = new ShardReader(data, split, configuration, 0)) {
      return CollimateException.usage(
          "data.max_length: row '%s' has %d tokens%s, the %s reads at most %d; set it to %d or less, which needs another output"
              .formatted(
                  reader.rows(new int[] {row}).get(0).key(),
                  length,
                  completion == 0 ? "" : ", those of the completion included",
                  key,
                  model.maxPositions(),
                  model.maxPositions() - completion));
    }
  }
}
