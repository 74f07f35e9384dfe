package dev.collimate.reference;

import static org.apache.parquet.schema.LogicalTypeAnnotation.stringType;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.BINARY;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.DOUBLE;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.INT64;

import dev.collimate.data.Digest128;
import dev.collimate.data.DigestingOutputFile;
import dev.collimate.data.RowGroup;
import dev.collimate.storage.Storage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.HadoopReadOptions;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;

/** A Parquet file of the store: what one task computed. */
final class StorePart {

  private static final String KEY = "key";
  private static final String CONTENT_HIGH = "content_hash_high";
  private static final String CONTENT_LOW = "content_hash_low";
  private static final String SUM = "_logps";

  private StorePart() {}

  /** Writes rows that all have the same roles. */
  static void write(
      Path path, List<String> roles, List<StoredRow> rows, Configuration configuration)
      throws IOException {
    MessageType schema = schema(roles);
    SimpleGroupFactory groups = new SimpleGroupFactory(schema);
    DigestingOutputFile file =
        new DigestingOutputFile(Storage.of(path, configuration).fileSystem(), path);
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(file)
            .withType(schema)
            .withConf(configuration)
            .withCompressionCodec(CompressionCodecName.ZSTD)
            .withPageWriteChecksumEnabled(true)
            .build()) {
      for (StoredRow row : rows) {
        Group group =
            groups
                .newGroup()
                .append(KEY, row.key())
                .append(CONTENT_HIGH, row.content().high())
                .append(CONTENT_LOW, row.content().low());
        roles.forEach(role -> group.append(role + SUM, row.sums().get(role).doubleValue()));
        writer.write(group);
      }
    }
  }

  static List<StoredRow> read(Path path, Configuration configuration) throws IOException {
    List<StoredRow> rows = new ArrayList<>();
    try (ParquetFileReader reader =
        ParquetFileReader.open(
            HadoopInputFile.fromPath(path, configuration),
            HadoopReadOptions.builder(configuration).usePageChecksumVerification(true).build())) {
      MessageType schema = reader.getFooter().getFileMetaData().getSchema();
      String createdBy = reader.getFooter().getFileMetaData().getCreatedBy();
      for (PageReadStore pages = reader.readNextRowGroup();
          pages != null;
          pages = reader.readNextRowGroup()) {
        read(new RowGroup(pages, schema, createdBy), schema, rows);
      }
    }
    return rows;
  }

  private static void read(RowGroup group, MessageType schema, List<StoredRow> rows) {
    String[] keys = group.texts(KEY);
    long[] high = group.longs(CONTENT_HIGH);
    long[] low = group.longs(CONTENT_LOW);
    Map<String, double[]> sums = new LinkedHashMap<>();
    for (Type column : schema.getFields()) {
      if (column.getName().endsWith(SUM)) {
        String role = column.getName().substring(0, column.getName().length() - SUM.length());
        sums.put(role, group.doubles(column.getName()));
      }
    }
    for (int row = 0; row < keys.length; row++) {
      int index = row;
      Map<String, Double> ofRow = new LinkedHashMap<>();
      sums.forEach((role, all) -> ofRow.put(role, all[index]));
      rows.add(new StoredRow(keys[row], new Digest128(high[row], low[row]), ofRow));
    }
  }

  private static MessageType schema(List<String> roles) {
    List<Type> columns = new ArrayList<>();
    columns.add(Types.required(BINARY).as(stringType()).named(KEY));
    columns.add(Types.required(INT64).named(CONTENT_HIGH));
    columns.add(Types.required(INT64).named(CONTENT_LOW));
    roles.forEach(role -> columns.add(Types.required(DOUBLE).named(role + SUM)));
    return new MessageType("reference", columns);
  }
}
