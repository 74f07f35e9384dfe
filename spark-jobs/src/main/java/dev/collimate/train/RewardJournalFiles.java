package dev.collimate.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.CollimateException;
import dev.collimate.reward.RewardFailure;
import dev.collimate.reward.RewardFailure.Reason;
import dev.collimate.reward.RewardJournal;
import dev.collimate.reward.RewardPage;
import dev.collimate.reward.RowReward;
import dev.collimate.storage.Publication;
import dev.collimate.storage.Storage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * The journal of rewards as a file of a step: a head, a line of JSON for each completion, and the
 * SHA-256 of all that. A file appears whole; nothing is appended, since object stores cannot.
 */
final class RewardJournalFiles implements RewardJournal {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Storage storage;
  private final Path folder;
  private final Runnable ownership;

  /**
   * @param folder made with the first page
   * @param ownership called before anything is written; throws where this process no longer owns
   *     the run
   */
  RewardJournalFiles(Path folder, Configuration configuration, Runnable ownership) {
    this.storage = Storage.of(folder, configuration);
    this.folder = folder;
    this.ownership = ownership;
  }

  private Path file(long step) {
    return new Path(folder, "step-" + step + ".jsonl");
  }

  @Override
  public void write(long step, RewardPage page) throws IOException {
    StringBuilder text = new StringBuilder();
    ObjectNode head = JSON.createObjectNode().put("step", step);
    page.labels().forEach(head.putArray("rewards")::add);
    text.append(head.put("rows", page.lines().size())).append('\n');
    page.lines().forEach(line -> text.append(json(line)).append('\n'));
    text.append(JSON.createObjectNode().put("sha256", sha256(text.toString()))).append('\n');
    ownership.run();
    storage.fileSystem().mkdirs(folder);
    storage.replace(file(step), text.toString().getBytes(UTF_8));
  }

  @Override
  public Optional<RewardPage> read(long step) throws IOException {
    String text;
    try {
      // What a writer that died has not put in its place was never used.
      text = new String(storage.read(file(step)), UTF_8);
    } catch (FileNotFoundException e) {
      return Optional.empty();
    }
    int last = text.lastIndexOf('\n', text.length() - 2) + 1;
    String content = text.substring(0, last);
    JsonNode end = tree(step, text.substring(last));
    if (!end.path("sha256").asText().equals(sha256(content))) {
      throw damaged(step);
    }
    List<JsonNode> lines = content.lines().map(line -> tree(step, line)).toList();
    JsonNode head = lines.isEmpty() ? end : lines.get(0);
    if (head.path("step").asLong(-1) != step || head.path("rows").asInt() != lines.size() - 1) {
      throw damaged(step);
    }
    List<String> labels = new ArrayList<>();
    head.path("rewards").forEach(label -> labels.add(label.asText()));
    return Optional.of(
        new RewardPage(labels, lines.stream().skip(1).map(RewardJournalFiles::line).toList()));
  }

  private static ObjectNode json(RewardPage.Line line) {
    ObjectNode node =
        JSON.createObjectNode()
            .put("prompt", line.promptKey())
            .put("sample", line.sample())
            .put("completion", line.completionHash());
    ArrayNode values = node.putArray("values");
    for (double value : line.reward().values()) {
      // JSON has no NaN.
      values.add(Double.isNaN(value) ? null : (Double) value);
    }
    if (line.reward().isLost()) {
      ArrayNode failures = node.putArray("failures");
      for (RewardFailure failure : line.reward().failures()) {
        failures
            .addObject()
            .put("reward", failure.label())
            .put("reason", failure.reason().code())
            .put("detail", failure.detail());
      }
    }
    return node;
  }

  private static RewardPage.Line line(JsonNode node) {
    List<Double> values = new ArrayList<>();
    node.path("values").forEach(value -> values.add(value.asDouble(Double.NaN)));
    List<RewardFailure> failures = new ArrayList<>();
    for (JsonNode failure : node.path("failures")) {
      failures.add(
          new RewardFailure(
              failure.path("reward").asText(),
              Reason.valueOf(failure.path("reason").asText().toUpperCase(Locale.ROOT)),
              failure.path("detail").asText()));
    }
    return new RewardPage.Line(
        node.path("prompt").asText(),
        node.path("sample").asInt(),
        node.path("completion").asText(),
        new RowReward(values, failures));
  }

  private JsonNode tree(long step, String line) {
    try {
      return JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw damaged(step);
    }
  }

  private static String sha256(String text) {
    return HexFormat.of().formatHex(Publication.sha256().digest(text.getBytes(UTF_8)));
  }

  private CollimateException damaged(long step) {
    return CollimateException.data(
        "'%s' is damaged: its checksum does not fit; restore it, or delete it to have the step scored again, whose result then is another"
            .formatted(file(step)));
  }
}
