package dev.collimate.data;

import dev.collimate.text.Sequence;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What is counted in one pass over the checked rows, part by part. Parts merge to the same whole in
 * any order.
 */
final class Tally implements Serializable {

  /** Examples shown of each reason. */
  private static final int EXAMPLES = 3;

  private static final long serialVersionUID = 1;

  private final TreeMap<Integer, OfSource> sources = new TreeMap<>();
  private final TreeMap<String, RowOrigin> roles = new TreeMap<>();
  private final TreeSet<String> scalars = new TreeSet<>();
  private final HashMap<String, TreeMap<Long, Long>> lines = new HashMap<>();
  private final TreeMap<String, ArrayList<Example>> examples = new TreeMap<>();
  private final Categories categories = new Categories();
  private long tokens;

  /** Counts of one source. */
  private static final class OfSource implements Serializable {
    private static final long serialVersionUID = 1;
    private long read;
    private long unpaired;
    private long train;
    private long eval;
    private final TreeMap<String, Long> quarantined = new TreeMap<>();
    private final TreeMap<String, Long> notes = new TreeMap<>();
    private long filtered;
    private long deduplicated;
  }

  /** A row that was refused, to show. */
  private record Example(RowOrigin origin, String detail) implements Serializable {}

  void add(CheckedRow row, PlaceRows.Place place) {
    RowOrigin origin = row.origin();
    lines
        .computeIfAbsent(fileKey(origin.source(), origin.file()), file -> new TreeMap<>())
        .merge(origin.block(), origin.index() + 1, Math::max);
    if (row instanceof CheckedRow.Blank) {
      return;
    }
    OfSource source = sources.computeIfAbsent(origin.source(), number -> new OfSource());
    if (origin.side() == 2) {
      source.unpaired++;
    } else {
      source.read++;
    }
    if (row instanceof CheckedRow.Ready ready) {
      if (place == PlaceRows.Place.TRAIN) {
        source.train++;
      } else {
        source.eval++;
      }
      ready.notes().forEach(note -> source.notes.merge(note, 1L, Long::sum));
      scalars.addAll(ready.example().scalars().keySet());
      ready
          .categories()
          .forEach((column, name) -> categories.add(column, name, place == PlaceRows.Place.TRAIN));
      roles.merge(String.join(" ", ready.example().sequences().keySet()), origin, Tally::earlier);
      tokens += ready.example().sequences().values().stream().mapToLong(Sequence::length).sum();
    } else if (row instanceof CheckedRow.LeftOut leftOut) {
      switch (leftOut.outcome()) {
        case QUARANTINED -> {
          source.quarantined.merge(leftOut.reason(), 1L, Long::sum);
          show(leftOut.reason(), new Example(origin, leftOut.detail()));
        }
        case FILTERED -> source.filtered++;
        case DEDUPLICATED -> source.deduplicated++;
      }
    }
  }

  Tally merge(Tally other) {
    other.sources.forEach(
        (number, theirs) -> {
          OfSource ours = sources.computeIfAbsent(number, any -> new OfSource());
          ours.read += theirs.read;
          ours.unpaired += theirs.unpaired;
          ours.train += theirs.train;
          ours.eval += theirs.eval;
          ours.filtered += theirs.filtered;
          ours.deduplicated += theirs.deduplicated;
          theirs.quarantined.forEach((why, n) -> ours.quarantined.merge(why, n, Long::sum));
          theirs.notes.forEach((note, n) -> ours.notes.merge(note, n, Long::sum));
        });
    other.roles.forEach((names, origin) -> roles.merge(names, origin, Tally::earlier));
    scalars.addAll(other.scalars);
    categories.merge(other.categories);
    other.lines.forEach(
        (file, blocks) -> {
          TreeMap<Long, Long> ours = lines.computeIfAbsent(file, any -> new TreeMap<>());
          blocks.forEach((block, count) -> ours.merge(block, count, Math::max));
        });
    other.examples.forEach((why, shown) -> shown.forEach(example -> show(why, example)));
    tokens += other.tokens;
    return this;
  }

  private void show(String reason, Example example) {
    ArrayList<Example> shown = examples.computeIfAbsent(reason, any -> new ArrayList<>());
    shown.add(example);
    shown.sort(Comparator.comparing(Example::origin));
    if (shown.size() > EXAMPLES) {
      shown.remove(EXAMPLES);
    }
  }

  private static RowOrigin earlier(RowOrigin one, RowOrigin other) {
    return one.compareTo(other) <= 0 ? one : other;
  }

  private static String fileKey(int source, String file) {
    return source + " " + file;
  }

  /** The counts by source; sources without rows have zeros. */
  Accounting accounting(List<String> names) {
    List<Accounting.Source> accounts = new ArrayList<>();
    for (int number = 0; number < names.size(); number++) {
      OfSource source = sources.getOrDefault(number, new OfSource());
      accounts.add(
          new Accounting.Source(
              names.get(number),
              source.read,
              source.unpaired,
              source.train,
              source.eval,
              source.quarantined,
              source.filtered,
              source.deduplicated,
              source.notes));
    }
    return new Accounting(accounts);
  }

  /** Every set of roles that rows have (names joined by spaces), with the first row that has it. */
  Map<String, RowOrigin> roles() {
    return roles;
  }

  /** Every number of the rows that are used, those of names included. */
  List<String> scalars() {
    TreeSet<String> all = new TreeSet<>(scalars);
    all.addAll(categories.sizes().keySet());
    return List.copyOf(all);
  }

  Categories categories() {
    return categories;
  }

  /** Tokens of all sequences of the rows that are used. */
  long tokens() {
    return tokens;
  }

  LineNumbers lineNumbers() {
    HashMap<String, TreeMap<Long, Long>> starts = new HashMap<>();
    lines.forEach(
        (file, blocks) -> {
          TreeMap<Long, Long> first = new TreeMap<>();
          long next = 1;
          for (Map.Entry<Long, Long> block : blocks.entrySet()) {
            first.put(block.getKey(), next);
            next += block.getValue();
          }
          starts.put(file, first);
        });
    return new LineNumbers(starts);
  }

  /** Refused rows of some sources by reason with the first few of each, for an error. */
  String refusals(int firstSource, int endSource) {
    LineNumbers numbers = lineNumbers();
    TreeMap<String, Long> counts = new TreeMap<>();
    sources
        .subMap(firstSource, endSource)
        .values()
        .forEach(source -> source.quarantined.forEach((why, n) -> counts.merge(why, n, Long::sum)));
    List<String> parts = new ArrayList<>();
    counts.forEach(
        (why, count) -> {
          List<String> shown =
              examples.get(why).stream()
                  .filter(
                      e -> e.origin().source() >= firstSource && e.origin().source() < endSource)
                  .map(e -> numbers.place(e.origin()) + ": " + e.detail())
                  .toList();
          parts.add(
              count + " " + why + (shown.isEmpty() ? "" : " (" + String.join("; ", shown) + ")"));
        });
    return String.join(", ", parts);
  }

  /** Why rows of some sources are not used: {@link #refusals}, and how many were filtered. */
  String leftOut(int firstSource, int endSource) {
    long filtered =
        sources.subMap(firstSource, endSource).values().stream()
            .mapToLong(source -> source.filtered)
            .sum();
    String refusals = refusals(firstSource, endSource);
    return filtered == 0
        ? refusals
        : filtered + " filtered" + (refusals.isEmpty() ? "" : ", " + refusals);
  }

  /** Numbers of rows in their files, from 1. */
  record LineNumbers(HashMap<String, TreeMap<Long, Long>> firstOfBlock) implements Serializable {

    long of(RowOrigin origin) {
      return firstOfBlock.get(fileKey(origin.source(), origin.file())).get(origin.block())
          + origin.index();
    }

    /** File name and number, for people. */
    String place(RowOrigin origin) {
      String file = origin.file().substring(origin.file().lastIndexOf('/') + 1);
      return "'%s' row %d".formatted(file, of(origin));
    }
  }

  /** As bytes, since Spark may be set to a serializer that cannot read records. */
  byte[] toBytes() {
    return bytesOf(this);
  }

  static Tally ofBytes(byte[] bytes) {
    return (Tally) objectOf(bytes);
  }

  static byte[] bytesOf(Serializable object) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(object);
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory", e);
    }
    return bytes.toByteArray();
  }

  static Object objectOf(byte[] bytes) {
    try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes))) {
      return in.readObject();
    } catch (IOException e) {
      throw new UncheckedIOException("reading from memory", e);
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException("the class is in this jar", e);
    }
  }
}
