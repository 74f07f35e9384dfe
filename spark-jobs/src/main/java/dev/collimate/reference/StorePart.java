package dev.collimate.reference;

import static org.apache.parquet.schema.LogicalTypeAnnotation.listType;
import static org.apache.parquet.schema.LogicalTypeAnnotation.stringType;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.BINARY;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.DOUBLE;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.FLOAT;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.INT64;

import dev.collimate.data.Digest128;
import dev.collimate.data.DigestingOutputFile;
import dev.collimate.data.RowGroup;
import dev.collimate.objective.ReferenceUse;
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

/**
 * A Parquet file of the store: what one task computed. {@code <role>_logps} is a sequence's sum;
 * {@code <role>_logps_by_token}, its list of float32, stands only where a run asked for it.
 */
final class StorePart {

  private static final String KEY = "key";
  private static final String CONTENT_HIGH = "content_hash_high";
  private static final String CONTENT_LOW = "content_hash_low";
  private static final String SUM = "_logps";
  private static final String TOKENS = "_logps_by_token";
  private static final String LIST = "list";
  private static final String ELEMENT = "element";

  private StorePart() {}

  /** Writes rows that all have the same roles, and tokens where those are used. */
  static void write(
      Path path,
      List<String> roles,
      ReferenceUse use,
      List<StoredRow> rows,
      Configuration configuration)
      throws IOException {
    MessageType schema = schema(roles, use);
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
        if (use == ReferenceUse.TOKENS) {
          roles.forEach(role -> append(group.addGroup(role + TOKENS), row.tokens().get(role)));
        }
        writer.write(group);
      }
    }
  }

  private static void append(Group list, float[] values) {
    for (float value : values) {
      list.addGroup(LIST).append(ELEMENT, value);
    }
  }

  /**
   * Reads all rows.
   *
   * @param use whether tokens are read too where the file has them
   */
  static List<StoredRow> read(Path path, ReferenceUse use, Configuration configuration)
      throws IOException {
    List<StoredRow> rows = new ArrayList<>();
    try (ParquetFileReader reader =
        ParquetFileReader.open(
            HadoopInputFile.fromPath(path, configuration),
            HadoopReadOptions.builder(configuration).usePageChecksumVerification(true).build())) {
      MessageType schema = columns(reader.getFooter().getFileMetaData().getSchema(), use);
      reader.setRequestedSchema(schema);
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
    Map<String, float[][]> tokens = new LinkedHashMap<>();
    for (Type column : schema.getFields()) {
      String name = column.getName();
      if (name.endsWith(SUM)) {
        sums.put(name.substring(0, name.length() - SUM.length()), group.doubles(name));
      } else if (name.endsWith(TOKENS)) {
        tokens.put(name.substring(0, name.length() - TOKENS.length()), group.floatLists(name));
      }
    }
    for (int row = 0; row < keys.length; row++) {
      int index = row;
      Map<String, Double> ofRow = new LinkedHashMap<>();
      sums.forEach((role, all) -> ofRow.put(role, all[index]));
      Map<String, float[]> tokensOfRow = new LinkedHashMap<>();
      tokens.forEach((role, all) -> tokensOfRow.put(role, all[index]));
      rows.add(new StoredRow(keys[row], new Digest128(high[row], low[row]), ofRow, tokensOfRow));
    }
  }

  /** Of a file's columns, those that are read. */
  private static MessageType columns(MessageType all, ReferenceUse use) {
    if (use == ReferenceUse.TOKENS) {
      return all;
    }
    return new MessageType(
        all.getName(),
        all.getFields().stream().filter(column -> !column.getName().endsWith(TOKENS)).toList());
  }

  private static MessageType schema(List<String> roles, ReferenceUse use) {
    List<Type> columns = new ArrayList<>();
    columns.add(Types.required(BINARY).as(stringType()).named(KEY));
    columns.add(Types.required(INT64).named(CONTENT_HIGH));
    columns.add(Types.required(INT64).named(CONTENT_LOW));
    roles.forEach(role -> columns.add(Types.required(DOUBLE).named(role + SUM)));
    if (use == ReferenceUse.TOKENS) {
      roles.forEach(role -> columns.add(list(role + TOKENS)));
    }
    return new MessageType("reference", columns);
  }

  private static Type list(String name) {
    return Types.requiredGroup()
        .as(listType())
        .repeatedGroup()
        .addField(Types.required(FLOAT).named(ELEMENT))
        .named(LIST)
        .named(name);
  }
}
