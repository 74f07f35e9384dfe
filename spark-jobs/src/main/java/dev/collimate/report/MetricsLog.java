package dev.collimate.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.storage.Storage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.Path;

/**
 * {@code metrics.jsonl}: a line of JSON per logged step or evaluation. Hadoop's file systems do not
 * all append, so the file is rewritten whole, at checkpoints and at the end.
 */
public final class MetricsLog {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final TypeReference<Map<String, Object>> LINE = new TypeReference<>() {};

  private final Storage storage;
  private final Path path;
  private final List<Map<String, Object>> lines;

  private MetricsLog(Storage storage, Path path, List<Map<String, Object>> lines) {
    this.storage = storage;
    this.path = path;
    this.lines = lines;
  }

  /**
   * Opens the log of a run that goes on after a step; lines after it are dropped, since its steps
   * run again.
   *
   * @param lastStep the step resumed from; 0 for a fresh run
   */
  public static MetricsLog resume(Storage storage, Path path, long lastStep) throws IOException {
    List<Map<String, Object>> kept = new ArrayList<>();
    for (Map<String, Object> line : read(storage, path)) {
      if (line.get("step") instanceof Number step && step.longValue() <= lastStep) {
        kept.add(line);
      }
    }
    return new MetricsLog(storage, path, kept);
  }

  /** All lines of a log; none where there is no file. A torn last line is left out. */
  public static List<Map<String, Object>> read(Storage storage, Path path) throws IOException {
    List<Map<String, Object>> lines = new ArrayList<>();
    String text;
    try {
      text = new String(storage.readReplaced(path), StandardCharsets.UTF_8);
    } catch (FileNotFoundException e) {
      return lines;
    }
    for (String line : text.split("\n", -1)) {
      if (!line.isBlank()) {
        try {
          lines.add(JSON.readValue(line, LINE));
        } catch (JsonProcessingException torn) {
          return lines;
        }
      }
    }
    return lines;
  }

  public synchronized void add(Map<String, Object> line) {
    lines.add(line);
  }

  /** All lines so far. */
  public synchronized List<Map<String, Object>> lines() {
    return List.copyOf(lines);
  }

  /** Rewrites the file. */
  public synchronized void flush() throws IOException {
    StringBuilder text = new StringBuilder();
    for (Map<String, Object> line : lines) {
      text.append(JSON.writeValueAsString(line)).append('\n');
    }
    storage.replace(path, text.toString().getBytes(StandardCharsets.UTF_8));
  }
}
