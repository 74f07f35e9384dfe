package dev.collimate.data;

import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What became of every input row, source by source.
 *
 * @param sources in the order of {@code data.train}, then {@code data.eval}
 */
public record Accounting(List<Source> sources) implements Serializable {

  public Accounting {
    sources = List.copyOf(sources);
  }

  /**
   * The rows of one source: read + unpaired = train + eval + quarantined + filtered + deduplicated.
   *
   * @param name its path or table
   * @param read rows in the input
   * @param unpaired pairs among them that became two rows, a desirable and an undesirable one: each
   *     is read once and counted twice after that
   * @param train rows that can be trained on
   * @param eval rows held out
   * @param quarantined refused rows by reason
   * @param filtered rows left out by a filter
   * @param deduplicated rows left out as copies
   * @param notes what was done to rows that were kept (cut, merged at the boundary), by name
   */
  public record Source(
      String name,
      long read,
      long unpaired,
      long train,
      long eval,
      SortedMap<String, Long> quarantined,
      long filtered,
      long deduplicated,
      SortedMap<String, Long> notes)
      implements Serializable {

    public Source {
      quarantined = new TreeMap<>(quarantined);
      notes = new TreeMap<>(notes);
    }

    /** Rows that reading made: those read, and one more for each pair that became two. */
    public long made() {
      return read + unpaired;
    }

    public long refused() {
      return quarantined.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Whether every row made is in exactly one of the other counts. */
    public boolean addsUp() {
      return made() == train + eval + refused() + filtered + deduplicated;
    }
  }

  public long read() {
    return sources.stream().mapToLong(Source::read).sum();
  }

  /** Rows read, and one more for each pair that became two. */
  public long made() {
    return sources.stream().mapToLong(Source::made).sum();
  }

  public long refused() {
    return sources.stream().mapToLong(Source::refused).sum();
  }

  /** Refused rows by reason, over all sources. */
  public Map<String, Long> quarantined() {
    SortedMap<String, Long> byReason = new TreeMap<>();
    sources.forEach(
        source -> source.quarantined().forEach((why, n) -> byReason.merge(why, n, Long::sum)));
    return byReason;
  }
}
