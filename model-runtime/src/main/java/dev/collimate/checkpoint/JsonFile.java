package dev.collimate.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import dev.collimate.text.jinja.PythonFloat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** JSON objects in files, read strictly, written as Python's {@code json.dumps(indent=2)} does. */
final class JsonFile {

  /** Python's writer puts NaN and Infinity into files. */
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private static final String INDENT = "  ";

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
      // Bytes that are no characters, such as bad UTF-32: the parser knows no line then.
      throw new CollimateException(
          CollimateException.Kind.DATA, "%s is not JSON: %s".formatted(source, e.getMessage()), e);
    }
  }

  /**
   * The object as Python's {@code json.dumps(indent=2)} writes it, with a line feed at the end; not
   * by Jackson's printers, which differ between the versions of the two Spark lines.
   */
  static byte[] write(ObjectNode object) {
    StringBuilder text = new StringBuilder();
    append(object, "\n", text);
    return text.append('\n').toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void append(JsonNode node, String lineStart, StringBuilder text) {
    if (node.isObject()) {
      List<String> names = new ArrayList<>();
      node.fieldNames().forEachRemaining(names::add);
      appendAll(
          names,
          name -> {
            text.append(TextNode.valueOf(name)).append(": ");
            append(node.get(name), lineStart + INDENT, text);
          },
          "{}",
          lineStart,
          text);
    } else if (node.isArray()) {
      appendAll(node, element -> append(element, lineStart + INDENT, text), "[]", lineStart, text);
    } else if (node.isFloatingPointNumber()) {
      text.append(PythonFloat.json(node.doubleValue()));
    } else {
      text.append(node);
    }
  }

  private static <T> void appendAll(
      Iterable<T> parts,
      Consumer<T> append,
      String brackets,
      String lineStart,
      StringBuilder text) {
    text.append(brackets.charAt(0));
    boolean isFirst = true;
    for (T part : parts) {
      text.append(isFirst ? "" : ",").append(lineStart).append(INDENT);
      append.accept(part);
      isFirst = false;
    }
    text.append(isFirst ? "" : lineStart).append(brackets.charAt(1));
  }

  /** The object as text without spaces. */
  static byte[] compact(ObjectNode object) {
    try {
      return JSON.writeValueAsBytes(object);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }
}
