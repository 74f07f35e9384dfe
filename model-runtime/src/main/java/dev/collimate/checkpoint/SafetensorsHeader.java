package dev.collimate.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The start of a safetensors file: eight bytes of length (little-endian), then that many bytes of
 * JSON that give each tensor's dtype, shape and byte range in the rest of the file. The ranges must
 * tile the rest of the file without gap or overlap, so every byte is accounted for.
 *
 * @param file name of the file
 * @param tensors by name, in the header's order
 * @param metadata the {@code __metadata__} entry, empty where there is none
 * @param bytes the header as it stands in the file, length included
 */
record SafetensorsHeader(
    String file, Map<String, TensorInfo> tensors, Map<String, String> metadata, byte[] bytes) {

  /** The format's own limit on the JSON part. */
  static final int MAX_JSON_BYTES = 100_000_000;

  private static final String METADATA = "__metadata__";
  private static final Set<String> ENTRY_KEYS = Set.of("dtype", "shape", "data_offsets");
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION).build();

  /**
   * Reads and checks the header of a file.
   *
   * @throws CollimateException of kind DATA that names file and tensor
   */
  static SafetensorsHeader read(Folder folder, String name, Folder.File file) throws IOException {
    return new Reader(folder.location(), name, file.length()).read(file);
  }

  private static final class Reader {
    private final String location;
    private final String name;
    private final long fileBytes;
    private long dataStart;

    Reader(String location, String name, long fileBytes) {
      this.location = location;
      this.name = name;
      this.fileBytes = fileBytes;
    }

    SafetensorsHeader read(Folder.File file) throws IOException {
      if (fileBytes < Long.BYTES) {
        throw bad(
            "has %d bytes, a safetensors file starts with 8 bytes of header length"
                .formatted(fileBytes));
      }
      ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      file.read(0, length);
      long jsonBytes = length.getLong(0);
      if (jsonBytes < 2 || jsonBytes > MAX_JSON_BYTES) {
        throw bad(
            "gives a header length of %s bytes, 2 to %d are accepted"
                .formatted(Long.toUnsignedString(jsonBytes), MAX_JSON_BYTES));
      }
      if (jsonBytes > fileBytes - Long.BYTES) {
        throw bad(
            "gives a header length of %d bytes, but the file has only %d after the length"
                .formatted(jsonBytes, fileBytes - Long.BYTES));
      }
      byte[] header = new byte[Long.BYTES + (int) jsonBytes];
      file.read(0, ByteBuffer.wrap(header));
      dataStart = header.length;
      Map<String, TensorInfo> tensors = new LinkedHashMap<>();
      Map<String, String> metadata = new LinkedHashMap<>();
      try (JsonParser parser = JSON.createParser(header, Long.BYTES, (int) jsonBytes)) {
        parse(parser, tensors, metadata);
      } catch (IOException e) {
        // Bytes that are no characters, such as bad UTF-32, are no JsonProcessingException.
        String problem =
            e instanceof JsonProcessingException json ? json.getOriginalMessage() : e.getMessage();
        if (problem.startsWith("Duplicate field")) {
          throw bad(
              "names something twice in its header, each tensor may stand once: %s"
                  .formatted(problem));
        }
        throw bad(
            "has a header that is not the JSON object of a safetensors file: %s"
                .formatted(problem));
      }
      requireTiling(tensors);
      return new SafetensorsHeader(name, tensors, metadata, header);
    }

    private void parse(
        JsonParser parser, Map<String, TensorInfo> tensors, Map<String, String> metadata)
        throws IOException {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw bad("has a header that is not a JSON object");
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String key = parser.currentName();
        parser.nextToken();
        JsonNode entry = JSON.readTree(parser);
        if (key.equals(METADATA)) {
          readMetadata(entry, metadata);
        } else {
          tensors.put(key, readTensor(key, entry));
        }
      }
      if (parser.currentToken() != JsonToken.END_OBJECT || parser.nextToken() != null) {
        throw bad("has a header with more than one JSON object");
      }
    }

    private void readMetadata(JsonNode entry, Map<String, String> metadata) {
      if (!entry.isObject()) {
        throw bad("has a '%s' that is not an object of strings".formatted(METADATA));
      }
      entry
          .properties()
          .forEach(
              field -> {
                if (!field.getValue().isTextual()) {
                  throw bad(
                      "has '%s' entry '%s' = %s, a string is expected"
                          .formatted(METADATA, field.getKey(), field.getValue()));
                }
                metadata.put(field.getKey(), field.getValue().textValue());
              });
    }

    private TensorInfo readTensor(String tensor, JsonNode entry) {
      if (!entry.isObject()) {
        throw bad("describes tensor '%s' by %s, an object is expected".formatted(tensor, entry));
      }
      entry
          .fieldNames()
          .forEachRemaining(
              key -> {
                if (!ENTRY_KEYS.contains(key)) {
                  throw bad(
                      "describes tensor '%s' with the unknown key '%s', %s are expected"
                          .formatted(tensor, key, "dtype, shape and data_offsets"));
                }
              });
      String dtypeName = entry.path("dtype").asText("");
      Dtype dtype =
          Dtype.named(dtypeName)
              .orElseThrow(
                  () ->
                      bad(
                          "gives tensor '%s' the unknown dtype '%s', F32, F16 and BF16 are accepted"
                              .formatted(tensor, dtypeName)));
      List<Long> shape = longs(tensor, "shape", entry.path("shape"));
      List<Long> offsets = longs(tensor, "data_offsets", entry.path("data_offsets"));
      if (offsets.size() != 2) {
        throw bad(
            "gives tensor '%s' data_offsets %s, [begin, end] is expected"
                .formatted(tensor, offsets));
      }
      long begin = offsets.get(0);
      long end = offsets.get(1);
      long dataBytes = fileBytes - dataStart;
      if (begin > end || end > dataBytes) {
        throw bad(
            "gives tensor '%s' the bytes [%d, %d), but the file holds [0, %d) after its header"
                .formatted(tensor, begin, end, dataBytes));
      }
      long expected = bytes(tensor, dtype, shape);
      if (end - begin != expected) {
        throw bad(
            "gives tensor '%s' %d bytes, but shape %s of %s takes %d"
                .formatted(tensor, end - begin, shape, dtype, expected));
      }
      return new TensorInfo(tensor, dtype, shape, name, dataStart + begin, expected);
    }

    private long bytes(String tensor, Dtype dtype, List<Long> shape) {
      try {
        long bytes = dtype.bytes();
        for (long axis : shape) {
          bytes = Math.multiplyExact(bytes, axis);
        }
        return bytes;
      } catch (ArithmeticException e) {
        throw bad(
            "gives tensor '%s' the shape %s, which is beyond any file".formatted(tensor, shape));
      }
    }

    private List<Long> longs(String tensor, String key, JsonNode array) {
      List<Long> values = new ArrayList<>();
      if (array.isArray()) {
        for (JsonNode value : array) {
          if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
            throw bad(
                "gives tensor '%s' the %s %s, integers of at least 0 are expected"
                    .formatted(tensor, key, array));
          }
          values.add(value.longValue());
        }
        return values;
      }
      throw bad("gives tensor '%s' the %s %s, a list is expected".formatted(tensor, key, array));
    }

    private void requireTiling(Map<String, TensorInfo> tensors) {
      long next = dataStart;
      String previous = null;
      for (TensorInfo tensor :
          tensors.values().stream()
              .sorted(
                  Comparator.comparingLong(TensorInfo::position)
                      .thenComparingLong(TensorInfo::bytes))
              .toList()) {
        if (tensor.position() < next) {
          throw bad(
              "has tensors '%s' and '%s' overlapping at byte %d after the header"
                  .formatted(previous, tensor.name(), tensor.position() - dataStart));
        }
        if (tensor.position() > next) {
          throw bad(
              "has a gap before tensor '%s': it starts at byte %d after the header, %d is expected"
                  .formatted(tensor.name(), tensor.position() - dataStart, next - dataStart));
        }
        next = tensor.position() + tensor.bytes();
        previous = tensor.name();
      }
      if (next != fileBytes) {
        throw bad(
            "holds %d bytes after its header, but its tensors take %d"
                .formatted(fileBytes - dataStart, next - dataStart));
      }
    }

    private CollimateException bad(String sentence) {
      return CollimateException.data("'%s' in %s %s".formatted(name, location, sentence));
    }
  }
}
