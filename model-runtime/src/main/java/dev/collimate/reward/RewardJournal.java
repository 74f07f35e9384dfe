package dev.collimate.reward;

import java.io.IOException;
import java.util.Optional;

/**
 * Where the rewards of a step are kept before anything uses them, so that a driver that starts
 * again reads them instead of asking a second time.
 */
public interface RewardJournal {

  /** Keeps nothing; for rewards that nothing is trained on. */
  RewardJournal NONE =
      new RewardJournal() {
        @Override
        public Optional<RewardPage> read(long step) {
          return Optional.empty();
        }

        @Override
        public void write(long step, RewardPage page) {}
      };

  /**
   * What was written for a step; empty where nothing was.
   *
   * @throws dev.collimate.CollimateException of kind DATA where it is damaged
   */
  Optional<RewardPage> read(long step) throws IOException;

  /** Returns when the page is safe. */
  void write(long step, RewardPage page) throws IOException;
}
