package dev.collimate.data;

import dev.collimate.CollimateException;
import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.HadoopReadOptions;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.schema.MessageType;

/** An open shard: its row groups, read whole by number. */
final class ShardFile implements AutoCloseable {

  private final Path path;
  private final ShardSchema schema;
  private final MessageType columns;
  private final ParquetFileReader reader;
  private final List<BlockMetaData> groups;

  private ShardFile(Path path, ShardSchema schema, MessageType columns, ParquetFileReader reader) {
    this.path = path;
    this.schema = schema;
    this.columns = columns;
    this.reader = reader;
    this.groups = reader.getFooter().getBlocks();
  }

  /**
   * Opens a shard and checks it against the index.
   *
   * @param columns the columns to read
   * @throws CollimateException (data) where it is missing, cut off, damaged, or has other rows
   * @throws IOException where the storage fails, which says nothing of the shard
   */
  static ShardFile open(
      Path folder,
      Shard shard,
      ShardSchema schema,
      MessageType columns,
      Configuration configuration)
      throws IOException {
    Path path = new Path(folder, shard.file());
    HadoopInputFile file;
    try {
      file = HadoopInputFile.fromPath(path, configuration);
    } catch (FileNotFoundException e) {
      throw new CollimateException(
          CollimateException.Kind.DATA,
          "The shard '%s' is missing; prepare the data set again".formatted(path),
          e);
    }
    if (file.getLength() != shard.bytes()) {
      throw CollimateException.data(
          "The shard '%s' has %d bytes, the index says %d; prepare the data set again"
              .formatted(path, file.getLength(), shard.bytes()));
    }
    ParquetFileReader reader;
    try {
      reader =
          ParquetFileReader.open(
              file,
              HadoopReadOptions.builder(configuration).usePageChecksumVerification(true).build());
    } catch (RuntimeException e) {
      throw damaged(path, e);
    }
    try {
      if (reader.getRecordCount() != shard.rows()) {
        throw CollimateException.data(
            "The shard '%s' has %d rows, the index says %d; prepare the data set again"
                .formatted(path, reader.getRecordCount(), shard.rows()));
      }
      reader.setRequestedSchema(columns);
      return new ShardFile(path, schema, columns, reader);
    } catch (RuntimeException e) {
      reader.close();
      throw e;
    }
  }

  int groups() {
    return groups.size();
  }

  /** Number of rows of a row group. */
  int rowsOf(int group) {
    return Math.toIntExact(groups.get(group).getRowCount());
  }

  RowGroup group(int group) throws IOException {
    try {
      PageReadStore pages = reader.readRowGroup(group);
      return new RowGroup(pages, columns, reader.getFooter().getFileMetaData().getCreatedBy());
    } catch (RuntimeException e) {
      throw damaged(path, e);
    }
  }

  /** The rows of a row group, of a shard opened with all columns. */
  List<Example> examples(int number) throws IOException {
    RowGroup group = group(number);
    try {
      String[] keys = group.texts(ShardSchema.KEY);
      String[] hashes = group.texts(ShardSchema.CONTENT_HASH);
      double[] weights = group.doubles(ShardSchema.WEIGHT);
      Map<String, Sequence[]> sequences = new LinkedHashMap<>();
      for (String role : schema.roles()) {
        sequences.put(role, sequences(group, role));
      }
      Map<String, double[]> scalars = new LinkedHashMap<>();
      for (String scalar : schema.scalars()) {
        scalars.put(scalar, group.doubles(ShardSchema.scalar(scalar)));
      }
      List<Example> examples = new ArrayList<>(group.rows());
      for (int row = 0; row < group.rows(); row++) {
        int index = row;
        Map<String, Sequence> ofRow = new LinkedHashMap<>();
        sequences.forEach((role, all) -> ofRow.put(role, all[index]));
        Map<String, Double> numbers = new LinkedHashMap<>();
        scalars.forEach(
            (name, all) -> {
              if (!Double.isNaN(all[index])) {
                numbers.put(name, all[index]);
              }
            });
        examples.add(new Example(keys[row], hashes[row], weights[row], ofRow, numbers));
      }
      return examples;
    } catch (RuntimeException e) {
      throw damaged(path, e);
    }
  }

  /** The input rows of a row group as JSON, of a shard whose schema keeps them. */
  String[] columns(int number) throws IOException {
    RowGroup group = group(number);
    try {
      return group.texts(ShardSchema.COLUMNS);
    } catch (RuntimeException e) {
      throw damaged(path, e);
    }
  }

  private Sequence[] sequences(RowGroup group, String role) {
    int[][] ids = group.lists(ShardSchema.ids(role));
    int[] promptLengths = group.ints(ShardSchema.promptLength(role));
    int[][] runs = group.lists(ShardSchema.lossRuns(role));
    float[][] marks =
        schema.marked().contains(role)
            ? group.floatLists(ShardSchema.marks(role))
            : new float[ids.length][];
    Sequence[] sequences = new Sequence[ids.length];
    for (int row = 0; row < ids.length; row++) {
      byte[] mask =
          runs[row] == null
              ? LossRuns.usual(ids[row].length, promptLengths[row])
              : LossRuns.mask(runs[row], ids[row].length);
      sequences[row] =
          new Sequence(
              ids[row], promptLengths[row], mask, marks[row] == null ? new float[0] : marks[row]);
    }
    return sequences;
  }

  private static CollimateException damaged(Path path, Exception cause) {
    return new CollimateException(
        CollimateException.Kind.DATA,
        "The shard '%s' is damaged (%s); prepare the data set again"
            .formatted(path, cause.getMessage()),
        cause);
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
