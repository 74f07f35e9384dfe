package dev.collimate.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.collimate.CollimateException;
import dev.collimate.objective.TrainingSet;
import dev.collimate.storage.PublishedFile;
import dev.collimate.storage.Storage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * A prepared data set: token shards in training order, held-out shards, the refused rows, and the
 * index that makes them one.
 *
 * @param folder where it lies
 * @param index what it holds
 */
public record PreparedData(String folder, Index index) implements Serializable {

  /** The last file written; without it the folder is no data set. */
  public static final String INDEX = "index.json";

  private static final int FORMAT_VERSION = 3;

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  /** The two kinds of rows that are used. */
  public enum Split {
    TRAIN,
    EVAL
  }

  /**
   * The content of {@value #INDEX}.
   *
   * @param version of this format
   * @param inputs what decides the content: files with length and time, settings; by name
   * @param roles the sequences of each row
   * @param scalars the numbers that rows may have
   * @param marked those of the roles whose tokens may have marks
   * @param categories by column of names: training rows of each name; a row's number is the name's
   *     place in this order
   * @param train shards in training order
   * @param eval shards of held-out rows, in input order
   * @param quarantine files of refused rows
   * @param accounting of all rows read
   */
  public record Index(
      int version,
      SortedMap<String, String> inputs,
      List<String> roles,
      List<String> scalars,
      List<String> marked,
      SortedMap<String, SortedMap<String, Long>> categories,
      List<Shard> train,
      List<Shard> eval,
      List<PublishedFile> quarantine,
      Accounting accounting)
      implements Serializable {

    public Index {
      inputs = new TreeMap<>(inputs);
      roles = List.copyOf(roles);
      scalars = List.copyOf(scalars);
      marked = List.copyOf(marked);
      categories = new TreeMap<>(categories);
      train = List.copyOf(train);
      eval = List.copyOf(eval);
      quarantine = List.copyOf(quarantine);
    }

    byte[] toJson() {
      try {
        return JSON.writeValueAsBytes(this);
      } catch (JsonProcessingException e) {
        throw new AssertionError("a record of plain values becomes JSON", e);
      }
    }
  }

  /** Opens a data set; empty where the folder holds none. */
  public static Optional<PreparedData> openIfPresent(Path folder, Configuration configuration)
      throws IOException {
    byte[] json;
    try {
      json = Storage.of(folder, configuration).read(new Path(folder, INDEX));
    } catch (FileNotFoundException e) {
      return Optional.empty();
    }
    try {
      // The format first: another one has other fields.
      JsonNode index = JSON.readTree(json);
      int format = index.path("version").asInt();
      if (format != 0 && format != FORMAT_VERSION) {
        throw CollimateException.data(
            "'%s' has data format %d, this version reads %d; prepare the data set again, in another output"
                .formatted(folder, format, FORMAT_VERSION));
      }
      return Optional.of(new PreparedData(folder.toString(), JSON.treeToValue(index, Index.class)));
    } catch (JsonProcessingException e) {
      throw new CollimateException(
          CollimateException.Kind.DATA,
          "'%s/%s' is no index of a data set (%s)".formatted(folder, INDEX, e.getOriginalMessage()),
          e);
    }
  }

  /** Opens a data set that must exist. */
  public static PreparedData open(Path folder, Configuration configuration) throws IOException {
    return openIfPresent(folder, configuration)
        .orElseThrow(
            () ->
                CollimateException.data(
                    "'%s' holds no prepared data set: there is no %s".formatted(folder, INDEX)));
  }

  static int formatVersion() {
    return FORMAT_VERSION;
  }

  public List<Shard> shards(Split split) {
    return switch (split) {
      case TRAIN -> index.train();
      case EVAL -> index.eval();
    };
  }

  /** Number of rows of a split. */
  public long rows(Split split) {
    return shards(split).stream().mapToLong(Shard::rows).sum();
  }

  /** The first row of each shard, counted through the split, and the number of rows at the end. */
  public int[] firstRows(Split split) {
    List<Shard> shards = shards(split);
    int[] first = new int[shards.size() + 1];
    for (int shard = 0; shard < shards.size(); shard++) {
      first[shard + 1] = Math.addExact(first[shard], shards.get(shard).rows());
    }
    return first;
  }

  /** What an objective may know of the rows that are trained on, by this model. */
  public TrainingSet trainingSet(TrainingSet.Model model) {
    return new TrainingSet(rows(Split.TRAIN), model, index.categories());
  }

  ShardSchema schema() {
    return new ShardSchema(index.roles(), index.scalars(), index.marked());
  }
}
