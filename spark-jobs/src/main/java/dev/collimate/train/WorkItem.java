package dev.collimate.train;

import dev.collimate.learn.StepContext;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a lease asks a worker to do, as it travels: rows by address, never their tokens. */
sealed interface WorkItem {

  /** The gradient of one micro-batch. */
  record Gradient(StepContext context, List<RowAddress> rows) implements WorkItem {}

  /** The first pass of an objective that gathers scalars over the global batch. */
  record Gather(StepContext context, List<RowAddress> rows) implements WorkItem {}

  /** Loss and metrics of held-out rows, each run by itself. */
  record Evaluate(StepContext context, List<RowAddress> rows) implements WorkItem {}

  /** Greedy completions of the rows' prompts. */
  record Sample(List<RowAddress> rows, int maxNewTokens) implements WorkItem {}

  /**
   * Where a row lies, and what the driver knows about it.
   *
   * @param row its number, counted through the split
   * @param reference the reference model's summed log-probability by role; empty where none is read
   * @param given numbers of the objective's plan for this row
   */
  record RowAddress(int row, Map<String, Double> reference, double[] given) {

    public RowAddress {
      reference = Map.copyOf(reference);
    }

    private void write(DataOutputStream out) throws IOException {
      out.writeInt(row);
      out.writeInt(reference.size());
      for (Map.Entry<String, Double> sum : new TreeMap<>(reference).entrySet()) {
        out.writeUTF(sum.getKey());
        out.writeDouble(sum.getValue());
      }
      writeDoubles(given, out);
    }

    private static RowAddress read(DataInputStream in) throws IOException {
      int row = in.readInt();
      Map<String, Double> reference = new TreeMap<>();
      for (int left = in.readInt(); left > 0; left--) {
        reference.put(in.readUTF(), in.readDouble());
      }
      return new RowAddress(row, reference, readDoubles(in));
    }
  }

  List<RowAddress> rows();

  default byte[] toBytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      if (this instanceof Gradient gradient) {
        out.writeByte('g');
        gradient.context().write(out);
      } else if (this instanceof Gather gather) {
        out.writeByte('f');
        gather.context().write(out);
      } else if (this instanceof Evaluate evaluate) {
        out.writeByte('e');
        evaluate.context().write(out);
      } else if (this instanceof Sample sample) {
        out.writeByte('s');
        out.writeInt(sample.maxNewTokens());
      }
      out.writeInt(rows().size());
      for (RowAddress row : rows()) {
        row.write(out);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  static WorkItem of(byte[] bytes) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      char kind = (char) in.readByte();
      return switch (kind) {
        case 'g' -> new Gradient(StepContext.read(in), readRows(in));
        case 'f' -> new Gather(StepContext.read(in), readRows(in));
        case 'e' -> new Evaluate(StepContext.read(in), readRows(in));
        case 's' -> {
          int maxNewTokens = in.readInt();
          yield new Sample(readRows(in), maxNewTokens);
        }
        default -> throw new IllegalArgumentException("unknown kind of work '" + kind + "'");
      };
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<RowAddress> readRows(DataInputStream in) throws IOException {
    int count = in.readInt();
    List<RowAddress> rows = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      rows.add(RowAddress.read(in));
    }
    return rows;
  }

  static void writeDoubles(double[] values, DataOutputStream out) throws IOException {
    out.writeInt(values.length);
    for (double value : values) {
      out.writeDouble(value);
    }
  }

  static double[] readDoubles(DataInputStream in) throws IOException {
    double[] values = new double[in.readInt()];
    for (int i = 0; i < values.length; i++) {
      values[i] = in.readDouble();
    }
    return values;
  }
}
