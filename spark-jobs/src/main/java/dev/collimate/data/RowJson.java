package dev.collimate.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Rows as JSON objects, exactly: half characters (lone surrogates) that stand escaped in the input
 * stay what they are in both directions, where Spark's reader makes question marks of them.
 */
final class RowJson {

  private static final ObjectReader READER =
      new ObjectMapper()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .readerFor(new TypeReference<LinkedHashMap<String, Object>>() {});

  private static final ObjectWriter WRITER = new ObjectMapper().writer();

  private RowJson() {}

  /**
   * Reads one line.
   *
   * @throws MalformedException where the bytes are not one JSON object in UTF-8
   */
  static Map<String, Object> read(byte[] line) throws MalformedException {
    try {
      Map<String, Object> row = READER.readValue(line);
      if (row == null) {
        throw new MalformedException("the line is null; a JSON object is expected");
      }
      return row;
    } catch (JsonProcessingException e) {
      throw new MalformedException(
          firstByte(line) == '['
              ? "the line begins a JSON array; one object per line is expected"
              : "not a JSON object: " + firstSentence(e.getOriginalMessage()));
    } catch (IOException e) {
      // Jackson reports bytes that are no UTF-8 in this way.
      throw new MalformedException("not a JSON object: " + firstSentence(e.getMessage()));
    }
  }

  /** Reads what {@link #write} wrote. */
  static Map<String, Object> readOwn(String json) {
    try {
      return READER.readValue(json);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("what was written as JSON is read as JSON", e);
    }
  }

  /** Writes a row so that reading gives an equal one, in text that any encoding can carry. */
  static String write(Object row) {
    String json;
    try {
      json = WRITER.writeValueAsString(row);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("a row of plain values becomes JSON", e);
    }
    StringBuilder safe = new StringBuilder(json.length());
    for (int i = 0; i < json.length(); i++) {
      char c = json.charAt(i);
      if (!Character.isSurrogate(c)) {
        safe.append(c);
      } else if (i + 1 < json.length() && Character.isSurrogatePair(c, json.charAt(i + 1))) {
        safe.append(c).append(json.charAt(++i));
      } else {
        safe.append("\\u%04x".formatted((int) c));
      }
    }
    return safe.toString();
  }

  private static int firstByte(byte[] line) {
    for (byte b : line) {
      if (b != ' ' && b != '\t') {
        return b;
      }
    }
    return -1;
  }

  private static String firstSentence(String message) {
    int end = message.indexOf('\n');
    return end < 0 ? message : message.substring(0, end);
  }

  /** A line that is no row; the message says why. */
  static final class MalformedException extends Exception {
    MalformedException(String message) {
      super(message);
    }
  }
}
