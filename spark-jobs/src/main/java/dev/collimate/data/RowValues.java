package dev.collimate.data;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructType;

/** Spark's rows as plain Java values. */
final class RowValues {

  private RowValues() {}

  /** The row's columns by name; structs become maps, arrays lists, dates and times texts. */
  static Map<String, Object> of(Row row) {
    StructType schema = row.schema();
    Map<String, Object> values = new LinkedHashMap<>();
    for (int column = 0; column < schema.length(); column++) {
      values.put(
          schema.fields()[column].name(),
          row.isNullAt(column) ? null : plain(row, column, schema.fields()[column].dataType()));
    }
    return values;
  }

  private static Object plain(Row row, int column, DataType type) {
    if (type instanceof StructType) {
      return of(row.getStruct(column));
    }
    if (type instanceof ArrayType array) {
      return list(row.getList(column), array.elementType());
    }
    if (type instanceof MapType map) {
      return map(row.getJavaMap(column), map.valueType());
    }
    return scalar(row.get(column));
  }

  private static Object plain(Object value, DataType type) {
    if (value == null) {
      return null;
    }
    if (type instanceof StructType) {
      return of((Row) value);
    }
    if (type instanceof ArrayType || type instanceof MapType) {
      // Only a row turns Scala's collections into Java's.
      return plain(org.apache.spark.sql.RowFactory.create(value), 0, type);
    }
    return scalar(value);
  }

  private static List<Object> list(List<Object> values, DataType elementType) {
    List<Object> plain = new ArrayList<>(values.size());
    for (Object value : values) {
      plain.add(plain(value, elementType));
    }
    return plain;
  }

  private static Map<String, Object> map(Map<Object, Object> values, DataType valueType) {
    Map<String, Object> plain = new LinkedHashMap<>();
    values.forEach((key, value) -> plain.put(String.valueOf(key), plain(value, valueType)));
    return plain;
  }

  private static Object scalar(Object value) {
    if (value instanceof Boolean
        || value instanceof Number
        || value instanceof String
        || value instanceof byte[]) {
      return value;
    }
    return value.toString();
  }
}
