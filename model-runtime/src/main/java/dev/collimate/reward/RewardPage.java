package dev.collimate.reward;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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

  /** What is otherwise with these completions, in words; empty where the page is theirs. */
  Optional<String> mismatch(List<Rollout> rollouts) {
    Map<Key, Line> byKey = byKey();
    for (Rollout rollout : rollouts) {
      Line line = byKey.get(new Key(rollout.promptKey(), rollout.sample()));
      String which = "sample %d of prompt '%s'".formatted(rollout.sample(), rollout.promptKey());
      if (line == null) {
        return Optional.of("has no line for " + which);
      }
      if (!line.completionHash().equals(hash(rollout))) {
        return Optional.of("is of another completion than the one now written as " + which);
      }
    }
    return byKey.size() == rollouts.size()
        ? Optional.empty()
        : Optional.of("has %d lines for %d completions".formatted(byKey.size(), rollouts.size()));
  }

  /** The rewards of these completions, which are the page's, in their order. */
  List<RowReward> rowsOf(List<Rollout> rollouts) {
    Map<Key, Line> byKey = byKey();
    return rollouts.stream()
        .map(rollout -> byKey.get(new Key(rollout.promptKey(), rollout.sample())).reward())
        .toList();
  }

  private Map<Key, Line> byKey() {
    Map<Key, Line> byKey = new HashMap<>();
    lines.forEach(line -> byKey.put(new Key(line.promptKey(), line.sample()), line));
    return byKey;
  }

  private record Key(String promptKey, int sample) {}

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
