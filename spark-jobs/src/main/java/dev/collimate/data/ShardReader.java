package dev.collimate.data;

import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * Reads rows of a data set from any process, through Hadoop's file systems, without a Spark
 * session. Row groups read lately are kept, so that neighbouring and repeated rows cost nothing.
 * May be called from several threads.
 */
public final class ShardReader implements AutoCloseable {

  private static final int MAX_OPEN_FILES = 32;

  private static final Set<String> PROMPT_COLUMNS = Set.of("prompt", "prompt_input_ids");

  private final PreparedData data;
  private final PreparedData.Split split;
  private final Configuration configuration;
  private final long maxCachedTokens;
  private final int[] firstRows;
  private final Map<Integer, ShardFile> files = new LinkedHashMap<>(16, 0.75f, true);
  private final Map<GroupId, Cached> groups = new LinkedHashMap<>(16, 0.75f, true);
  private long cachedTokens;

  private record GroupId(int shard, int group) {}

  private record Cached(List<Example> rows, String[] columns, long tokens) {}

  /**
   * @param maxCachedTokens how many tokens the kept row groups may hold; a token takes 5 bytes
   */
  public ShardReader(
      PreparedData data,
      PreparedData.Split split,
      Configuration configuration,
      long maxCachedTokens) {
    this.data = data;
    this.split = split;
    this.configuration = configuration;
    this.maxCachedTokens = maxCachedTokens;
    this.firstRows = data.firstRows(split);
  }

  /** The rows {@code from} (inclusive) to {@code to} (exclusive) of a shard. */
  public synchronized List<Example> read(int shard, int from, int to) {
    if (from < 0 || to < from || to > data.shards(split).get(shard).rows()) {
      throw new IllegalArgumentException(
          "rows %d to %d are outside shard %d, which has %d"
              .formatted(from, to, shard, data.shards(split).get(shard).rows()));
    }
    List<Example> rows = new ArrayList<>(to - from);
    try {
      ShardFile file = file(shard);
      int first = 0;
      for (int group = 0; group < file.groups() && first < to; group++) {
        int end = first + file.rowsOf(group);
        if (end > from) {
          rows.addAll(
              group(shard, group)
                  .rows()
                  .subList(Math.max(from, first) - first, Math.min(to, end) - first));
        }
        first = end;
      }
      return rows;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot read shard '" + data.shards(split).get(shard).file() + "'", e);
    }
  }

  /** The rows with these numbers, counted through the split, in the order asked for. */
  public List<Example> rows(int... numbers) {
    List<Example> rows = new ArrayList<>(numbers.length);
    for (int number : numbers) {
      int shard = shardOf(number);
      rows.addAll(read(shard, number - firstRows[shard], number - firstRows[shard] + 1));
    }
    return rows;
  }

  /**
   * A row's columns as the input has them, of a data set of prompts: texts as they are, numbers and
   * booleans as text, the rest as JSON; without the prompt and without what is null.
   */
  public Map<String, String> columns(int number) {
    return furtherColumns(inputRow(number));
  }

  /** A row as the input has it, of a data set of prompts. */
  public synchronized Map<String, Object> inputRow(int number) {
    int shard = shardOf(number);
    int left = number - firstRows[shard];
    try {
      int group = 0;
      while (left >= file(shard).rowsOf(group)) {
        left -= file(shard).rowsOf(group++);
      }
      return RowJson.readOwn(group(shard, group).columns()[left]);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot read shard '" + data.shards(split).get(shard).file() + "'", e);
    }
  }

  /** The columns of a row of prompts beside the prompt, as texts; what is null is missing. */
  public static Map<String, String> furtherColumns(Map<String, Object> row) {
    Map<String, String> columns = new TreeMap<>();
    row.forEach(
        (name, value) -> {
          if (value != null && !PROMPT_COLUMNS.contains(name)) {
            columns.put(name, text(value));
          }
        });
    return columns;
  }

  private static String text(Object value) {
    return value instanceof Map || value instanceof List ? RowJson.write(value) : value.toString();
  }

  private int shardOf(int number) {
    int found = Arrays.binarySearch(firstRows, number);
    int shard = found >= 0 ? found : -found - 2;
    while (shard + 1 < firstRows.length && firstRows[shard + 1] == number) {
      // Only before an empty shard; the row is in the one after it.
      shard++;
    }
    return shard;
  }

  private ShardFile file(int shard) throws IOException {
    ShardFile open = files.get(shard);
    if (open != null) {
      return open;
    }
    if (files.size() >= MAX_OPEN_FILES) {
      Iterator<ShardFile> oldest = files.values().iterator();
      oldest.next().close();
      oldest.remove();
    }
    ShardFile file =
        ShardFile.open(
            new Path(data.folder()),
            data.shards(split).get(shard),
            data.schema(),
            data.schema().all(),
            configuration);
    files.put(shard, file);
    return file;
  }

  private Cached group(int shard, int group) throws IOException {
    GroupId id = new GroupId(shard, group);
    Cached cached = groups.get(id);
    if (cached == null) {
      List<Example> rows = file(shard).examples(group);
      long tokens =
          rows.stream()
              .flatMap(row -> row.sequences().values().stream())
              .mapToLong(Sequence::length)
              .sum();
      String[] columns = data.schema().keepsColumns() ? file(shard).columns(group) : new String[0];
      cached = new Cached(rows, columns, tokens);
      cachedTokens += tokens;
      Iterator<Cached> oldest = groups.values().iterator();
      while (cachedTokens > maxCachedTokens && oldest.hasNext()) {
        cachedTokens -= oldest.next().tokens();
        oldest.remove();
      }
      groups.put(id, cached);
    }
    return cached;
  }

  @Override
  public synchronized void close() throws IOException {
    for (ShardFile file : files.values()) {
      file.close();
    }
    files.clear();
    groups.clear();
    cachedTokens = 0;
  }
}
