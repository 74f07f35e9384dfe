package dev.collimate.config;

import dev.collimate.config.Node.Field;
import dev.collimate.config.Node.Fields;
import dev.collimate.config.Node.Items;
import dev.collimate.config.Node.Kind;
import dev.collimate.config.Node.Scalar;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/** YAML text to {@link Node}s, and overrides laid over them. */
final class RunFile {

  private static final String OVERRIDE = "--set";

  /** Deeper than any run file; an anchor that holds itself would have no end. */
  private static final int MAX_DEPTH = 20;

  private static final Map<Tag, Kind> KINDS =
      Map.of(
          Tag.NULL, Kind.NULL,
          Tag.BOOL, Kind.BOOLEAN,
          Tag.INT, Kind.INTEGER,
          Tag.FLOAT, Kind.REAL,
          Tag.STR, Kind.TEXT,
          Tag.TIMESTAMP, Kind.TEXT);

  private final String name;
  private final Problems problems;

  private RunFile(String name, Problems problems) {
    this.name = name;
    this.problems = problems;
  }

  /** Parses a document; problems are left in {@code problems}. */
  static Fields parse(String text, String name, Problems problems) {
    int before = problems.count();
    Node node = new RunFile(name, problems).compose(text);
    if (node instanceof Fields fields) {
      return fields;
    }
    if (problems.count() == before) {
      problems.add(
          name + ": must hold the keys of a run file, such as 'model: …', got " + node.quoted());
    }
    return Fields.empty(name);
  }

  /** Parses a single value, such as a default. */
  static Node value(String text, String place, Problems problems) {
    return new RunFile(place, problems).compose(text);
  }

  /** Lays {@code key=value} pairs over the document, in order. */
  static void override(Fields document, List<String> overrides, Problems problems) {
    for (String override : overrides) {
      int equals = override.indexOf('=');
      if (equals < 1) {
        problems.add("--set " + override + ": must be key=value");
        continue;
      }
      String key = override.substring(0, equals).strip();
      Node value = value(override.substring(equals + 1), OVERRIDE, problems);
      put(document, key, List.of(key.split("\\.", -1)), value, problems);
    }
  }

  private static void put(
      Fields document, String key, List<String> path, Node value, Problems problems) {
    Node section = document;
    for (int i = 0; i < path.size(); i++) {
      String step = path.get(i);
      boolean last = i == path.size() - 1;
      if (section instanceof Fields fields) {
        if (last) {
          fields.fields().put(step, new Field(value, OVERRIDE));
        } else if (fields.get(step).isEmpty()) {
          fields.fields().put(step, new Field(Fields.empty(OVERRIDE), OVERRIDE));
        }
        section = fields.fields().get(step).value();
      } else if (section instanceof Items items && step.matches("\\d{1,6}")) {
        int index = Integer.parseInt(step);
        if (index > items.items().size()) {
          problems.add(
              "--set " + key + ": the list has " + items.items().size() + " items, got " + index);
          return;
        }
        if (index == items.items().size()) {
          items.items().add(last ? value : Fields.empty(OVERRIDE));
        } else if (last) {
          items.items().set(index, value);
        }
        section = items.items().get(index);
      } else {
        problems.add(
            "--set " + key + ": '" + String.join(".", path.subList(0, i)) + "' is no section");
        return;
      }
    }
  }

  private Node compose(String text) {
    Scalar nothing = new Scalar("null", Kind.NULL, name);
    try {
      org.yaml.snakeyaml.nodes.Node root =
          new Yaml(new LoaderOptions()).compose(new StringReader(text));
      return root == null ? nothing : convert(root, 0);
    } catch (MarkedYAMLException e) {
      problems.add(place(e.getProblemMark()) + ": is not YAML: " + e.getProblem());
    } catch (YAMLException e) {
      problems.add(name + ": is not YAML: " + e.getMessage().lines().findFirst().orElse(""));
    }
    return nothing;
  }

  private Node convert(org.yaml.snakeyaml.nodes.Node node, int depth) {
    String place = place(node.getStartMark());
    if (depth > MAX_DEPTH) {
      problems.add(place + ": is nested more than " + MAX_DEPTH + " levels deep");
      return new Scalar("null", Kind.NULL, place);
    }
    if (node instanceof MappingNode mapping) {
      return fields(mapping, place, depth);
    }
    if (node instanceof SequenceNode sequence) {
      List<Node> items = new ArrayList<>();
      for (org.yaml.snakeyaml.nodes.Node item : sequence.getValue()) {
        items.add(convert(item, depth + 1));
      }
      return new Items(items, place);
    }
    ScalarNode scalar = (ScalarNode) node;
    Kind kind = KINDS.get(scalar.getTag());
    if (kind == null) {
      problems.add(place + ": the tag '" + scalar.getTag() + "' is not accepted in a run file");
      kind = Kind.NULL;
    }
    return new Scalar(scalar.getValue(), kind, place);
  }

  private Fields fields(MappingNode mapping, String place, int depth) {
    Map<String, Field> fields = new LinkedHashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      if (!(tuple.getKeyNode() instanceof ScalarNode keyNode)) {
        problems.add(place(tuple.getKeyNode().getStartMark()) + ": a key must be a name");
        continue;
      }
      String key = keyNode.getValue();
      Field earlier =
          fields.put(
              key,
              new Field(convert(tuple.getValueNode(), depth + 1), place(keyNode.getStartMark())));
      if (earlier != null) {
        problems.add(
            key, "is given twice, first at " + earlier.place(), place(keyNode.getStartMark()));
      }
    }
    return new Fields(fields, place);
  }

  private String place(Mark mark) {
    return name.equals(OVERRIDE) ? name : name + ":" + (mark.getLine() + 1);
  }
}
