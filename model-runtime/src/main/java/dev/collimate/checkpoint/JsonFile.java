package dev.collimate.checkpoint;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.util.Arrays;

/** JSON objects in files, read strictly, written as Python's {@code json.dumps(indent=2)} does. */
final class JsonFile {

  /** Python's writer puts NaN and Infinity into files. */
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private JsonFile() {}

  static ObjectNode newObject() {
    return JSON.createObjectNode();
  }

  /**
   * Reads a file that must hold one JSON object.
   *
   * @throws CollimateException of kind DATA where it is missing or holds anything else
   */
  static ObjectNode read(Folder folder, String name) {
    try {
      return parse(folder.readWhole(name), "'%s' in %s".formatted(name, folder.location()));
    } catch (NoSuchFileException e) {
      throw new CollimateException(
          CollimateException.Kind.DATA,
          "There is no '%s' in %s".formatted(name, folder.location()),
          e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Parses one JSON object.
   *
   * @param source what the text is, for messages
   */
  static ObjectNode parse(byte[] text, String source) {
    try {
      JsonNode node = JSON.readTree(text);
      if (node instanceof ObjectNode object) {
        return object;
      }
      throw CollimateException.data("%s must hold one JSON object".formatted(source));
    } catch (JsonProcessingException e) {
      throw new CollimateException(
          CollimateException.Kind.DATA,
          "%s is not JSON: %s (line %d)"
              .formatted(
                  source,
                  e.getOriginalMessage(),
                  e.getLocation() == null ? 0 : e.getLocation().getLineNr()),
          e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The object as text, two spaces deep, with a line feed at the end. */
  static byte[] write(ObjectNode object) {
    try {
      byte[] text = JSON.writer(new IndentedPrinter()).writeValueAsBytes(object);
      byte[] line = Arrays.copyOf(text, text.length + 1);
      line[text.length] = '\n';
      return line;
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The object as text without spaces. */
  static byte[] compact(ObjectNode object) {
    try {
      return JSON.writeValueAsBytes(object);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Python's {@code json.dumps(…, indent=2)}, with what both Spark lines' Jackson can do. */
  private static final class IndentedPrinter extends DefaultPrettyPrinter {
    private static final DefaultIndenter INDENT = new DefaultIndenter("  ", "\n");

    IndentedPrinter() {
      indentObjectsWith(INDENT);
      indentArraysWith(INDENT);
    }

    private IndentedPrinter(IndentedPrinter other) {
      super(other);
    }

    @Override
    public DefaultPrettyPrinter createInstance() {
      return new IndentedPrinter(this);
    }

    @Override
    public void writeObjectFieldValueSeparator(JsonGenerator generator) throws IOException {
      generator.writeRaw(": ");
    }

    @Override
    public void writeEndObject(JsonGenerator generator, int entries) throws IOException {
      if (entries > 0) {
        super.writeEndObject(generator, entries);
      } else {
        _nesting--;
        generator.writeRaw('}');
      }
    }

    @Override
    public void writeEndArray(JsonGenerator generator, int elements) throws IOException {
      if (elements > 0) {
        super.writeEndArray(generator, elements);
      } else {
        _nesting--;
        generator.writeRaw(']');
      }
    }
  }
}
