package dev.collimate.data;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;

/** The rows of one task with their places in the input. */
final class InputRows {

  private InputRows() {}

  /** The path that Spark's metadata column gives as a URI. */
  static Path path(String metadata) {
    return new Path(URI.create(metadata));
  }

  /** Numbers the rows of each part of a file; a task reads its parts one after the other. */
  private static final class Counter {
    private final int source;
    private String lastFile = "";
    private long lastBlock = -1;
    private String file = "";
    private long index;

    Counter(int source) {
      this.source = source;
    }

    RowOrigin next(String metadataFile, long block) {
      if (block != lastBlock || !metadataFile.equals(lastFile)) {
        lastFile = metadataFile;
        lastBlock = block;
        file = path(metadataFile).toString();
        index = 0;
      }
      return new RowOrigin(source, file, block, index++);
    }
  }

  /** Lines of JSON: the line, its file, the block, and columns from the folders' names. */
  static final class Lines implements Iterator<InputRow> {
    private static final int OWN_COLUMNS = 3;
    private final Iterator<Row> lines;
    private final Counter counter;

    Lines(int source, Iterator<Row> lines) {
      this.lines = lines;
      this.counter = new Counter(source);
    }

    @Override
    public boolean hasNext() {
      return lines.hasNext();
    }

    @Override
    public InputRow next() {
      Row row = lines.next();
      byte[] line = row.getAs(0);
      RowOrigin origin = counter.next(row.getString(1), row.getLong(2));
      String text = new String(line, StandardCharsets.UTF_8);
      if (text.isBlank()) {
        return new InputRow.Blank(origin);
      }
      try {
        Map<String, Object> values = RowJson.read(line);
        Map<String, Object> all = RowValues.of(row);
        all.keySet().stream()
            .skip(OWN_COLUMNS)
            .forEach(column -> values.putIfAbsent(column, all.get(column)));
        return new InputRow.Columns(origin, values);
      } catch (RowJson.MalformedException e) {
        return new InputRow.Malformed(origin, text, e.getMessage());
      }
    }
  }

  /** Rows of a file format, with the metadata columns behind their own. */
  static final class Numbered implements Iterator<InputRow> {
    private final Iterator<Row> rows;
    private final String fileColumn;
    private final String blockColumn;
    private final String malformedColumn;
    private final Counter counter;

    Numbered(
        int source,
        Iterator<Row> rows,
        String fileColumn,
        String blockColumn,
        String malformedColumn) {
      this.rows = rows;
      this.fileColumn = fileColumn;
      this.blockColumn = blockColumn;
      this.malformedColumn = malformedColumn;
      this.counter = new Counter(source);
    }

    @Override
    public boolean hasNext() {
      return rows.hasNext();
    }

    @Override
    public InputRow next() {
      Map<String, Object> values = new LinkedHashMap<>(RowValues.of(rows.next()));
      RowOrigin origin =
          counter.next((String) values.remove(fileColumn), (Long) values.remove(blockColumn));
      if (malformedColumn.isEmpty()) {
        return new InputRow.Columns(origin, values);
      }
      Object line = values.remove(malformedColumn);
      return line == null
          ? new InputRow.Columns(origin, CsvValues.typed(values))
          : new InputRow.Malformed(
              origin, line.toString(), "the line does not have the header's columns");
    }
  }

  /** Rows of a table, which has no order of its own. */
  static final class OfTable implements Iterator<InputRow> {
    private final int source;
    private final String table;
    private final int block;
    private final Iterator<Row> rows;
    private long index;

    OfTable(int source, String table, int block, Iterator<Row> rows) {
      this.source = source;
      this.table = table;
      this.block = block;
      this.rows = rows;
    }

    @Override
    public boolean hasNext() {
      return rows.hasNext();
    }

    @Override
    public InputRow next() {
      return new InputRow.Columns(
          new RowOrigin(source, table, block, index++), RowValues.of(rows.next()));
    }
  }
}
