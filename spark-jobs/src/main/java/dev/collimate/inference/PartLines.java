package dev.collimate.inference;

import dev.collimate.storage.Storage;
import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import org.apache.hadoop.fs.Path;
import org.apache.spark.util.SerializableConfiguration;

/** Reads the lines of a part back. */
record PartLines(String workspace, SerializableConfiguration configuration)
    implements Serializable {

  Iterator<String> of(String name) throws IOException {
    Path path = new Path(workspace, name);
    byte[] part = Storage.of(path, configuration.value()).read(path);
    return new String(part, StandardCharsets.UTF_8).lines().iterator();
  }
}
