package dev.collimate.reward;

import dev.collimate.CollimateException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * The journal of a step.
 *
 * @param labels of the run's rewards, in the order of {@link RowReward#values}
 * @param lines one for each completion
 */
public record RewardPage(List<String> labels, List<Line> lines) {

  /**
   * What a completion got.
   *
   * @param completionHash of its token ids, by which another completion under the same key is
   *     noticed
   */
  public record Line(String promptKey, int sample, String completionHash, RowReward reward) {}

  public RewardPage {
    labels = List.copyOf(labels);
    lines = List.copyOf(lines);
  }

  static RewardPage of(List<String> labels, List<Rollout> rollouts, List<RowReward> rewards) {
    List<Line> lines = new ArrayList<>();
    for (int i = 0; i < rollouts.size(); i++) {
      Rollout rollout = rollouts.get(i);
      lines.add(new Line(rollout.promptKey(), rollout.sample(), hash(rollout), rewards.get(i)));
    }
    return new RewardPage(labels, lines);
  }

  /**
   * The rewards of these completions, in their order.
   *
   * @throws CollimateException of kind DATA where the page is of others
   */
  List<RowReward> rowsOf(long step, List<String> asked, List<Rollout> rollouts) {
    if (!labels.equals(asked)) {
      throw foreign(step, "holds the rewards %s, the run file names %s".formatted(labels, asked));
    }
    Map<Key, Line> byKey = new HashMap<>();
    lines.forEach(line -> byKey.put(new Key(line.promptKey(), line.sample()), line));
    List<RowReward> rows = new ArrayList<>();
    for (Rollout rollout : rollouts) {
      Line line = byKey.get(new Key(rollout.promptKey(), rollout.sample()));
      String which = "sample %d of prompt '%s'".formatted(rollout.sample(), rollout.promptKey());
      if (line == null) {
        throw foreign(step, "has no line for " + which);
      }
      if (!line.completionHash().equals(hash(rollout))) {
        throw foreign(step, "is of another completion than the one now written as " + which);
      }
      rows.add(line.reward());
    }
    if (byKey.size() != rollouts.size()) {
      throw foreign(
          step, "has %d lines for %d completions".formatted(byKey.size(), rollouts.size()));
    }
    return rows;
  }

  private record Key(String promptKey, int sample) {}

  private static CollimateException foreign(long step, String what) {
    return CollimateException.data(
        "the journal of rewards of step %d %s; it belongs to another run: choose another output"
            .formatted(step, what));
  }

  /** Of the token ids, which say more than the text. */
  private static String hash(Rollout rollout) {
    ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES * rollout.completionIds().length);
    bytes.asIntBuffer().put(rollout.completionIds());
    return HexFormat.of().formatHex(sha256().digest(bytes.array()), 0, 16);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
