package dev.collimate.data;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.ToIntFunction;
import org.apache.parquet.column.ColumnReader;
import org.apache.parquet.column.impl.ColumnReadStoreImpl;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.MessageType;

/** The columns of one row group, read whole. */
public final class RowGroup {

  private final ColumnReadStoreImpl columns;
  private final MessageType schema;
  private final int rows;

  public RowGroup(PageReadStore pages, MessageType schema, String createdBy) {
    this.columns = new ColumnReadStoreImpl(pages, new Unassembled(schema), schema, createdBy);
    this.schema = schema;
    this.rows = Math.toIntExact(pages.getRowCount());
  }

  public int rows() {
    return rows;
  }

  public int[] ints(String column) {
    ColumnReader reader = reader(column);
    int[] values = new int[rows];
    for (int row = 0; row < rows; row++) {
      values[row] = reader.getInteger();
      reader.consume();
    }
    return values;
  }

  public long[] longs(String column) {
    ColumnReader reader = reader(column);
    long[] values = new long[rows];
    for (int row = 0; row < rows; row++) {
      values[row] = reader.getLong();
      reader.consume();
    }
    return values;
  }

  /** Of an optional column, NaN where a row has none. */
  public double[] doubles(String column) {
    ColumnReader reader = reader(column);
    int present = reader.getDescriptor().getMaxDefinitionLevel();
    double[] values = new double[rows];
    for (int row = 0; row < rows; row++) {
      values[row] = reader.getCurrentDefinitionLevel() == present ? reader.getDouble() : Double.NaN;
      reader.consume();
    }
    return values;
  }

  public String[] texts(String column) {
    ColumnReader reader = reader(column);
    Map<String, String> shared = new HashMap<>();
    String[] values = new String[rows];
    for (int row = 0; row < rows; row++) {
      String value = reader.getBinary().toStringUsingUTF8();
      values[row] = shared.computeIfAbsent(value, same -> same);
      reader.consume();
    }
    return values;
  }

  /** Null where a row of an optional column has no list. */
  public int[][] lists(String column) {
    return lists(column, ColumnReader::getInteger);
  }

  /** Of a column of float32; null where a row of an optional one has no list. */
  public float[][] floatLists(String column) {
    int[][] bits = lists(column, reader -> Float.floatToRawIntBits(reader.getFloat()));
    float[][] values = new float[rows][];
    for (int row = 0; row < rows; row++) {
      values[row] = bits[row] == null ? null : new float[bits[row].length];
      for (int i = 0; bits[row] != null && i < bits[row].length; i++) {
        values[row][i] = Float.intBitsToFloat(bits[row][i]);
      }
    }
    return values;
  }

  private int[][] lists(String column, ToIntFunction<ColumnReader> element) {
    ColumnReader reader = reader(column, "list", "element");
    int full = reader.getDescriptor().getMaxDefinitionLevel();
    int[][] values = new int[rows][];
    int[] buffer = new int[1 << 10];
    for (int row = 0; row < rows; row++) {
      int level = reader.getCurrentDefinitionLevel();
      if (level < full) {
        // One level below stands for an empty list, further below for none.
        values[row] = level == full - 1 ? new int[0] : null;
        reader.consume();
        continue;
      }
      int length = 0;
      do {
        if (length == buffer.length) {
          buffer = Arrays.copyOf(buffer, 2 * length);
        }
        buffer[length++] = element.applyAsInt(reader);
        reader.consume();
      } while (reader.getCurrentRepetitionLevel() > 0);
      values[row] = Arrays.copyOf(buffer, length);
    }
    return values;
  }

  private ColumnReader reader(String... path) {
    return columns.getColumnReader(schema.getColumnDescription(path));
  }

  /** Parquet wants converters to assemble records with; columns are read one by one instead. */
  private static final class Unassembled extends GroupConverter {
    private final GroupType group;

    Unassembled(GroupType group) {
      this.group = group;
    }

    @Override
    public Converter getConverter(int field) {
      return group.getType(field).isPrimitive()
          ? new PrimitiveConverter() {}
          : new Unassembled(group.getType(field).asGroupType());
    }

    @Override
    public void start() {}

    @Override
    public void end() {}
  }
}
