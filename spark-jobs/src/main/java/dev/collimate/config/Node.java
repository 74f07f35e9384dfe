package dev.collimate.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A value of the run file, and where it stands. */
sealed interface Node {

  /** {@code file:line}, or {@code --set}. */
  String place();

  /** The value as a message quotes it. */
  String quoted();

  /** What YAML takes a plain scalar for. */
  enum Kind {
    NULL,
    BOOLEAN,
    INTEGER,
    REAL,
    TEXT
  }

  /** A single value. */
  record Scalar(String text, Kind kind, String place) implements Node {
    @Override
    public String quoted() {
      return kind == Kind.TEXT ? "'" + text + "'" : text;
    }
  }

  /** A list. */
  record Items(List<Node> items, String place) implements Node {
    @Override
    public String quoted() {
      return "a list";
    }
  }

  /** A section; mutable while overrides are laid over it. */
  record Fields(Map<String, Field> fields, String place) implements Node {

    static Fields empty(String place) {
      return new Fields(new LinkedHashMap<>(), place);
    }

    /** Whether a key is written out as null. */
    boolean isNull(String key) {
      return fields.containsKey(key) && fields.get(key).value().isNull();
    }

    /** The value of a key; empty where it is missing or null. */
    Optional<Node> get(String key) {
      return Optional.ofNullable(fields.get(key)).map(Field::value).filter(n -> !n.isNull());
    }

    @Override
    public String quoted() {
      return "a section";
    }
  }

  /** A key of a section with its value. */
  record Field(Node value, String place) {}

  default boolean isNull() {
    return this instanceof Scalar scalar && scalar.kind() == Kind.NULL;
  }
}
