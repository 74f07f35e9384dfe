package dev.collimate.reference;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.collimate.data.Digest128;
import dev.collimate.objective.ReferenceUse;
import dev.collimate.storage.Storage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Consumer;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A folder of reference log-probabilities that runs may share. Below it there is a folder for each
 * identity (model, adapter, arithmetic), and in that a file for each finished piece of work, so an
 * interrupted job leaves what it has done. Rows are found by content: tokens, prompt lengths and
 * masks, which already depend on tokenizer and template.
 *
 * @param folder of one identity
 */
record ReferenceStore(String folder) implements Serializable {

  private static final Logger log = LoggerFactory.getLogger(ReferenceStore.class);
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
  private static final String IDENTITY = "identity.json";
  private static final String PREFIX = "part-";
  private static final String SUFFIX = ".parquet";

  /**
   * The part of a store that belongs to an identity; made where it is missing.
   *
   * @param identity everything but the rows that decides the values' bits
   */
  static ReferenceStore open(
      Path root, SortedMap<String, String> identity, Configuration configuration)
      throws IOException {
    Path folder = new Path(root, Digest128.of(new TreeMap<>(identity).toString()).hex());
    Storage storage = Storage.of(folder, configuration);
    if (!storage.exists(new Path(folder, IDENTITY))) {
      storage.fileSystem().mkdirs(folder);
      try (OutputStream out =
          storage.fileSystem().create(new Path(folder, IDENTITY), /* overwrite= */ false)) {
        out.write(json(identity));
      } catch (IOException e) {
        // Where it is there now, another run that shares the store is writing the same.
        if (!storage.exists(new Path(folder, IDENTITY))) {
          throw e;
        }
      }
    }
    return new ReferenceStore(folder.toString());
  }

  private static byte[] json(SortedMap<String, String> identity) {
    try {
      return JSON.writeValueAsBytes(identity);
    } catch (JsonProcessingException e) {
      throw new AssertionError("a map of texts becomes JSON", e);
    }
  }

  /**
   * Reads what is stored, tokens too where they are used and stored. A damaged file is left out,
   * and its rows are computed again.
   */
  void read(ReferenceUse use, Configuration configuration, Consumer<StoredRow> rows)
      throws IOException {
    for (Path part : parts(configuration)) {
      try {
        StorePart.read(part, use, configuration).forEach(rows);
      } catch (FileNotFoundException e) {
        throw e;
      } catch (IOException | RuntimeException e) {
        log.warn("Leaving out the damaged file {}; its rows are computed again", part, e);
      }
    }
  }

  private List<Path> parts(Configuration configuration) throws IOException {
    Path path = new Path(folder);
    return Arrays.stream(Storage.of(path, configuration).fileSystem().listStatus(path))
        .map(FileStatus::getPath)
        .filter(file -> file.getName().startsWith(PREFIX) && file.getName().endsWith(SUFFIX))
        .sorted()
        .toList();
  }

  /** Adds rows as a file that appears whole, with tokens where used; called by tasks. */
  void add(List<String> roles, ReferenceUse use, List<StoredRow> rows, Configuration configuration)
      throws IOException {
    String name = PREFIX + UUID.randomUUID() + SUFFIX;
    Path path = new Path(folder, name);
    Storage storage = Storage.of(path, configuration);
    if (!storage.renamesAtomically()) {
      // An object appears when its upload is complete.
      StorePart.write(path, roles, use, rows, configuration);
      return;
    }
    Path unfinished = new Path(folder, "." + name);
    StorePart.write(unfinished, roles, use, rows, configuration);
    if (!storage.fileSystem().rename(unfinished, path)) {
      throw new IOException("cannot rename '%s' to '%s'".formatted(unfinished, path));
    }
  }
}
