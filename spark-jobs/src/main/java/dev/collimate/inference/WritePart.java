package dev.collimate.inference;

import dev.collimate.data.OrderedRows;
import dev.collimate.storage.Storage;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.util.SerializableConfiguration;
import scala.Tuple2;

/**
 * Writes the results of one piece of rows, under a name of this attempt alone; the driver takes the
 * files that it was told of.
 */
record WritePart(String workspace, RowWork work, SerializableConfiguration configuration)
    implements Serializable {

  Iterator<String> write(int piece, Iterator<Tuple2<Long, String>> rows) throws IOException {
    String name = "part-%06d.%d.jsonl".formatted(piece, TaskContext.get().taskAttemptId());
    Path path = new Path(workspace, name);
    try (RowTask task = work.open();
        OutputStream out =
            new BufferedOutputStream(
                Storage.of(path, configuration.value())
                    .fileSystem()
                    .create(path, /* overwrite= */ true))) {
      while (rows.hasNext()) {
        Tuple2<Long, String> row = rows.next();
        for (Map<String, Object> result : task.run(row._1(), OrderedRows.row(row._2()))) {
          out.write((OrderedRows.json(result) + "\n").getBytes(StandardCharsets.UTF_8));
        }
      }
    }
    return List.of(name).iterator();
  }
}
