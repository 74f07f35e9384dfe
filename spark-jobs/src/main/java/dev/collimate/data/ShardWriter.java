package dev.collimate.data;

import dev.collimate.storage.Storage;
import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.io.IOException;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntConsumer;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.column.ParquetProperties.WriterVersion;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.RecordConsumer;

/** Writes one token shard. The same rows give the same bytes. */
final class ShardWriter {

  /** Small, so that reading a few rows from the middle of a shard stays cheap. */
  private static final long ROW_GROUP_BYTES = 1L << 20;

  private static final int PAGE_BYTES = 1 << 16;

  private ShardWriter() {}

  /** Writes all rows and returns the shard's entry of the index. */
  static Shard write(
      Path path, ShardSchema schema, Iterator<ShardRow> rows, Configuration configuration)
      throws IOException {
    DigestingOutputFile file =
        new DigestingOutputFile(Storage.of(path, configuration).fileSystem(), path);
    int count = 0;
    long tokens = 0;
    try (ParquetWriter<ShardRow> writer =
        new Builder(file, schema)
            .withConf(configuration)
            .withCompressionCodec(CompressionCodecName.ZSTD)
            .withWriterVersion(WriterVersion.PARQUET_1_0)
            .withRowGroupSize(ROW_GROUP_BYTES)
            .withPageSize(PAGE_BYTES)
            .withPageWriteChecksumEnabled(true)
            .build()) {
      while (rows.hasNext()) {
        ShardRow row = rows.next();
        writer.write(row);
        count++;
        tokens += row.example().sequences().values().stream().mapToLong(Sequence::length).sum();
      }
    }
    return new Shard(path.getName(), count, tokens, file.bytes(), file.sha256());
  }

  private static final class Builder extends ParquetWriter.Builder<ShardRow, Builder> {
    private final ShardSchema schema;

    Builder(OutputFile file, ShardSchema schema) {
      super(file);
      this.schema = schema;
    }

    @Override
    protected Builder self() {
      return this;
    }

    // What replaces this method is missing from the Parquet of Spark 3.5; so below.
    @Override
    @SuppressWarnings("deprecation")
    protected WriteSupport<ShardRow> getWriteSupport(Configuration configuration) {
      return new Columns(schema);
    }
  }

  private static final class Columns extends WriteSupport<ShardRow> {
    private final ShardSchema schema;
    private RecordConsumer out;
    private int field;

    Columns(ShardSchema schema) {
      this.schema = schema;
    }

    @Override
    @SuppressWarnings("deprecation")
    public WriteContext init(Configuration configuration) {
      return new WriteContext(schema.all(), Map.of());
    }

    @Override
    public void prepareForWrite(RecordConsumer consumer) {
      out = consumer;
    }

    /** Fields in the order of {@link ShardSchema#all()}. */
    @Override
    public void write(ShardRow row) {
      Example example = row.example();
      Digest128 key = Digest128.of(example.key());
      out.startMessage();
      field = 0;
      addLong(ShardSchema.KEY_HIGH, key.high());
      addLong(ShardSchema.KEY_LOW, key.low());
      addText(ShardSchema.CONTENT_HASH, example.contentHash());
      addDouble(ShardSchema.WEIGHT, example.weight());
      addInt(
          ShardSchema.SHARED_TOKENS,
          Sequence.sharedTokens(schema.roles().stream().map(example.sequences()::get).toList()));
      for (String scalar : schema.scalars()) {
        Double value = example.scalars().get(scalar);
        if (value == null) {
          field++;
        } else {
          addDouble(ShardSchema.scalar(scalar), value);
        }
      }
      for (String role : schema.roles()) {
        Sequence sequence = example.sequences().get(role);
        addInt(ShardSchema.length(role), sequence.length());
        addInt(ShardSchema.counted(role), sequence.countedTokens());
      }
      addText(ShardSchema.KEY, example.key());
      addInt(ShardSchema.SOURCE, row.source());
      addText(ShardSchema.FILE, row.file());
      addLong(ShardSchema.LINE, row.line());
      if (schema.keepsColumns()) {
        addText(ShardSchema.COLUMNS, row.columns());
      }
      for (String role : schema.roles()) {
        Sequence sequence = example.sequences().get(role);
        addList(ShardSchema.ids(role), sequence.ids());
        addInt(ShardSchema.promptLength(role), sequence.promptLength());
        Optional<int[]> runs = LossRuns.of(sequence);
        if (runs.isPresent()) {
          addList(ShardSchema.lossRuns(role), runs.get());
        } else {
          field++;
        }
        if (schema.marked().contains(role)) {
          addMarks(ShardSchema.marks(role), sequence.marks());
        }
      }
      out.endMessage();
    }

    private void addInt(String name, int value) {
      out.startField(name, field);
      out.addInteger(value);
      out.endField(name, field++);
    }

    private void addLong(String name, long value) {
      out.startField(name, field);
      out.addLong(value);
      out.endField(name, field++);
    }

    private void addDouble(String name, double value) {
      out.startField(name, field);
      out.addDouble(value);
      out.endField(name, field++);
    }

    private void addText(String name, String value) {
      out.startField(name, field);
      out.addBinary(Binary.fromString(value));
      out.endField(name, field++);
    }

    private void addMarks(String name, float[] marks) {
      if (marks.length == 0) {
        field++;
      } else {
        addList(name, marks.length, t -> out.addFloat(marks[t]));
      }
    }

    private void addList(String name, int[] values) {
      addList(name, values.length, i -> out.addInteger(values[i]));
    }

    private void addList(String name, int length, IntConsumer add) {
      out.startField(name, field);
      out.startGroup();
      if (length > 0) {
        out.startField("list", 0);
        for (int i = 0; i < length; i++) {
          out.startGroup();
          out.startField("element", 0);
          add.accept(i);
          out.endField("element", 0);
          out.endGroup();
        }
        out.endField("list", 0);
      }
      out.endGroup();
      out.endField(name, field++);
    }
  }
}
