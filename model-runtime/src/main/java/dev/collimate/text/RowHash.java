package dev.collimate.text;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** 128-bit hashes, in hexadecimal, of what rows and examples hold. */
final class RowHash {

  private static final int BYTES = 16;

  private final MessageDigest digest;
  private final ByteBuffer number = ByteBuffer.allocate(Long.BYTES);

  private RowHash() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  /**
   * Hash of some columns of a row. It does not depend on the order of columns and fields, nor on
   * whether a source keeps integers in 32 or 64 bits, nor on fields that are null.
   */
  static String ofColumns(Map<String, ?> row, Collection<String> columns) {
    Map<String, Object> used = new TreeMap<>();
    columns.forEach(column -> used.put(column, row.get(column)));
    RowHash hash = new RowHash();
    hash.map(used);
    return hash.hexadecimal();
  }

  /** Hash of an example's sequences: roles, ids, prompt lengths, masks and marks. */
  static String ofSequences(Map<String, Sequence> sequences) {
    RowHash hash = new RowHash();
    sequences.forEach(
        (role, sequence) -> {
          hash.text(role);
          hash.number('i', sequence.promptLength());
          hash.ids(sequence.ids());
          hash.digest.update(sequence.lossMask());
          for (float mark : sequence.marks()) {
            hash.number('m', Float.floatToIntBits(mark));
          }
        });
    return hash.hexadecimal();
  }

  private void ids(int[] ids) {
    ByteBuffer bytes = ByteBuffer.allocate(ids.length * Integer.BYTES);
    bytes.asIntBuffer().put(ids);
    number('l', ids.length);
    digest.update(bytes.array());
  }

  private void value(Object value) {
    if (value == null) {
      digest.update((byte) 'n');
    } else if (value instanceof String text) {
      text(text);
    } else if (value instanceof Boolean truth) {
      number('b', truth ? 1 : 0);
    } else if (value instanceof Double || value instanceof Float) {
      number('d', Double.doubleToLongBits(((Number) value).doubleValue()));
    } else if (value instanceof BigDecimal || value instanceof BigInteger) {
      // As text: beyond 64 bits and after the point they differ too.
      text(new BigDecimal(value.toString()).stripTrailingZeros().toPlainString());
    } else if (value instanceof Number whole) {
      number('i', whole.longValue());
    } else if (value instanceof Map<?, ?> map) {
      map(map);
    } else if (value instanceof List<?> list) {
      number('[', list.size());
      list.forEach(this::value);
    } else if (value instanceof int[] ids) {
      number('[', ids.length);
      for (int id : ids) {
        number('i', id);
      }
    } else if (value instanceof byte[] bytes) {
      number('x', bytes.length);
      digest.update(bytes);
    } else {
      text(value.toString());
    }
  }

  private void map(Map<?, ?> map) {
    Map<String, Object> sorted = new TreeMap<>();
    map.forEach(
        (key, value) -> {
          if (value != null) {
            sorted.put(String.valueOf(key), value);
          }
        });
    number('{', sorted.size());
    sorted.forEach(
        (key, value) -> {
          text(key);
          value(value);
        });
  }

  private void text(String text) {
    byte[] bytes = text.getBytes(UTF_8);
    number('s', bytes.length);
    digest.update(bytes);
  }

  private void number(char type, long value) {
    digest.update((byte) type);
    number.putLong(0, value);
    digest.update(number.array());
  }

  private String hexadecimal() {
    return HexFormat.of().formatHex(digest.digest(), 0, BYTES);
  }
}
