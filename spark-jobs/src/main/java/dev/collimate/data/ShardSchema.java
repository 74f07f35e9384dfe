package dev.collimate.data;

import static org.apache.parquet.schema.LogicalTypeAnnotation.listType;
import static org.apache.parquet.schema.LogicalTypeAnnotation.stringType;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.BINARY;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.DOUBLE;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.FLOAT;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.INT32;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.INT64;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;

/**
 * The columns of a token shard. Token ids are plain Parquet lists, so that any tool reads them.
 * {@code <role>_loss_runs} is null for the usual mask (every token after the prompt counts), else
 * the lengths of alternating runs of 0 and 1, beginning with 0. {@code shared_tokens} is {@link
 * dev.collimate.text.Sequence#sharedTokens} of the row. {@code <role>_marks} is null where a row
 * marks no token. Of prompts {@code columns} is the input row as JSON.
 *
 * @param roles the sequences of each row, in order
 * @param scalars the numbers that rows may have, in order
 * @param marked those of the roles whose tokens may have marks
 */
record ShardSchema(List<String> roles, List<String> scalars, List<String> marked)
    implements Serializable {

  static final String KEY = "key";
  static final String KEY_HIGH = "key_hash_high";
  static final String KEY_LOW = "key_hash_low";
  static final String CONTENT_HASH = "content_hash";
  static final String WEIGHT = "weight";
  static final String SHARED_TOKENS = "shared_tokens";
  static final String SOURCE = "source";
  static final String FILE = "file";
  static final String LINE = "line";
  static final String COLUMNS = "columns";

  /** The role of rows that are prompts to complete. */
  private static final String PROMPT = "prompt";

  ShardSchema {
    roles = List.copyOf(roles);
    scalars = List.copyOf(scalars);
    marked = List.copyOf(marked);
  }

  static String ids(String role) {
    return role + "_input_ids";
  }

  static String promptLength(String role) {
    return role + "_prompt_length";
  }

  static String lossRuns(String role) {
    return role + "_loss_runs";
  }

  static String marks(String role) {
    return role + "_marks";
  }

  static String length(String role) {
    return role + "_length";
  }

  static String counted(String role) {
    return role + "_counted_tokens";
  }

  static String scalar(String name) {
    return "scalar_" + name;
  }

  /** Whether the input rows are kept, whose columns rewards may read. */
  boolean keepsColumns() {
    return roles.contains(PROMPT);
  }

  /** All columns. */
  MessageType all() {
    List<Type> columns = new ArrayList<>(facts().getFields());
    columns.add(Types.required(BINARY).as(stringType()).named(KEY));
    columns.add(Types.required(INT32).named(SOURCE));
    columns.add(Types.required(BINARY).as(stringType()).named(FILE));
    columns.add(Types.required(INT64).named(LINE));
    if (keepsColumns()) {
      columns.add(Types.required(BINARY).as(stringType()).named(COLUMNS));
    }
    for (String role : roles) {
      columns.add(list(Type.Repetition.REQUIRED, ids(role), INT32));
      columns.add(Types.required(INT32).named(promptLength(role)));
      columns.add(list(Type.Repetition.OPTIONAL, lossRuns(role), INT32));
      if (marked.contains(role)) {
        columns.add(list(Type.Repetition.OPTIONAL, marks(role), FLOAT));
      }
    }
    return new MessageType("tokens", columns);
  }

  /** The narrow columns from which a driver plans batches. */
  MessageType facts() {
    List<Type> columns = new ArrayList<>();
    columns.add(Types.required(INT64).named(KEY_HIGH));
    columns.add(Types.required(INT64).named(KEY_LOW));
    columns.add(Types.required(BINARY).as(stringType()).named(CONTENT_HASH));
    columns.add(Types.required(DOUBLE).named(WEIGHT));
    columns.add(Types.required(INT32).named(SHARED_TOKENS));
    for (String scalar : scalars) {
      columns.add(Types.optional(DOUBLE).named(scalar(scalar)));
    }
    for (String role : roles) {
      columns.add(Types.required(INT32).named(length(role)));
      columns.add(Types.required(INT32).named(counted(role)));
    }
    return new MessageType("facts", columns);
  }

  private static GroupType list(
      Type.Repetition repetition, String name, PrimitiveTypeName element) {
    return Types.buildGroup(repetition)
        .as(listType())
        .repeatedGroup()
        .addField(Types.required(element).named("element"))
        .named("list")
        .named(name);
  }
}
