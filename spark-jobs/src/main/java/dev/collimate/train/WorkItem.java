package dev.collimate.train;

import dev.collimate.learn.StepContext;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.storage.PublishedFile;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What a lease asks a worker to do, as it travels: rows by address, never their tokens. */
sealed interface WorkItem
    permits WorkItem.Gradient,
        WorkItem.Gather,
        WorkItem.Evaluate,
        WorkItem.Compare,
        WorkItem.Local,
        WorkItem.Sample,
        OnlineWork {

  /** The gradient of one micro-batch. */
  record Gradient(StepContext context, List<RowAddress> rows) implements WorkItem {}

  /** The first pass of an objective that gathers scalars over the global batch. */
  record Gather(StepContext context, List<RowAddress> rows) implements WorkItem {}

  /** Loss and metrics of held-out rows, each run by itself. */
  record Evaluate(StepContext context, List<RowAddress> rows) implements WorkItem {}

  /**
   * Log-probabilities of rows under a reference that follows the policy, each row by itself. The
   * parameters are the reference's.
   */
  record Compare(Rows split, List<RowAddress> rows) implements WorkItem {}

  /** Which rows are counted. */
  enum Rows {
    TRAIN,
    EVAL
  }

  /**
   * A replica's local steps up to the next synchronisation.
   *
   * @param replica its number, from 0
   * @param from the step that the replica's moments are those after; 0 before the first
   * @param to the last of the steps
   * @param moments the replica's file of {@link ReplicaStore} after {@code from}; empty where AdamW
   *     begins with zeros
   * @param stepsTaken of the replica's AdamW so far
   */
  record Local(
      int replica,
      long from,
      long to,
      Optional<PublishedFile> moments,
      long stepsTaken,
      List<LocalStep> steps)
      implements WorkItem {

    private void write(DataOutputStream out) throws IOException {
      out.writeInt(replica);
      out.writeLong(from);
      out.writeLong(to);
      out.writeBoolean(moments.isPresent());
      if (moments.isPresent()) {
        writeFile(moments.get(), out);
      }
      out.writeLong(stepsTaken);
      out.writeInt(steps.size());
      for (LocalStep step : steps) {
        step.write(out);
      }
    }

    private static Local read(DataInputStream in) throws IOException {
      int replica = in.readInt();
      long from = in.readLong();
      long to = in.readLong();
      Optional<PublishedFile> moments =
          in.readBoolean() ? Optional.of(readFile(in)) : Optional.empty();
      long stepsTaken = in.readLong();
      int count = in.readInt();
      List<LocalStep> steps = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        steps.add(LocalStep.read(in));
      }
      return new Local(replica, from, to, moments, stepsTaken, steps);
    }
  }

  /**
   * One step of a replica.
   *
   * @param context whose totals are those of the replica's share of the global batch
   * @param microBatches the replica's rows; none where the batch has fewer rows than replicas
   */
  record LocalStep(double learningRate, StepContext context, List<List<RowAddress>> microBatches) {

    private void write(DataOutputStream out) throws IOException {
      out.writeDouble(learningRate);
      context.write(out);
      out.writeInt(microBatches.size());
      for (List<RowAddress> rows : microBatches) {
        writeRows(rows, out);
      }
    }

    private static LocalStep read(DataInputStream in) throws IOException {
      double learningRate = in.readDouble();
      StepContext context = StepContext.read(in);
      int count = in.readInt();
      List<List<RowAddress>> microBatches = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        microBatches.add(readRows(in));
      }
      return new LocalStep(learningRate, context, microBatches);
    }
  }

  /** Greedy completions of the rows' prompts. */
  record Sample(List<RowAddress> rows, int maxNewTokens) implements WorkItem {}

  /**
   * Where a row lies, and what the driver knows about it.
   *
   * @param row its number, counted through the split
   * @param reference the reference model's log-probabilities, as far as the objective reads them
   * @param given numbers of the objective's plan for this row
   */
  record RowAddress(int row, Reference reference, double[] given) {

    private void write(DataOutputStream out) throws IOException {
      out.writeInt(row);
      writeReference(reference, out);
      writeDoubles(given, out);
    }

    private static RowAddress read(DataInputStream in) throws IOException {
      return new RowAddress(in.readInt(), readReference(in), readDoubles(in));
    }
  }

  default byte[] toBytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      if (this instanceof Gradient gradient) {
        out.writeByte('g');
        gradient.context().write(out);
        writeRows(gradient.rows(), out);
      } else if (this instanceof Local local) {
        out.writeByte('l');
        local.write(out);
      } else if (this instanceof Gather gather) {
        out.writeByte('f');
        gather.context().write(out);
        writeRows(gather.rows(), out);
      } else if (this instanceof Evaluate evaluate) {
        out.writeByte('e');
        evaluate.context().write(out);
        writeRows(evaluate.rows(), out);
      } else if (this instanceof Compare compare) {
        out.writeByte('r');
        out.writeBoolean(compare.split() == Rows.TRAIN);
        writeRows(compare.rows(), out);
      } else if (this instanceof Sample sample) {
        out.writeByte('s');
        out.writeInt(sample.maxNewTokens());
        writeRows(sample.rows(), out);
      } else if (this instanceof OnlineWork online) {
        out.writeByte('o');
        online.write(out);
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
        case 'l' -> Local.read(in);
        case 'f' -> new Gather(StepContext.read(in), readRows(in));
        case 'o' -> OnlineWork.read(in);
        case 'e' -> new Evaluate(StepContext.read(in), readRows(in));
        case 'r' -> new Compare(in.readBoolean() ? Rows.TRAIN : Rows.EVAL, readRows(in));
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

  private static void writeRows(List<RowAddress> rows, DataOutputStream out) throws IOException {
    out.writeInt(rows.size());
    for (RowAddress row : rows) {
      row.write(out);
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

  static void writeFile(PublishedFile file, DataOutputStream out) throws IOException {
    out.writeUTF(file.name());
    out.writeLong(file.bytes());
    out.writeUTF(file.sha256());
  }

  static PublishedFile readFile(DataInputStream in) throws IOException {
    return new PublishedFile(in.readUTF(), in.readLong(), in.readUTF());
  }

  static void writeReference(Reference reference, DataOutputStream out) throws IOException {
    out.writeInt(reference.sums().size());
    for (Map.Entry<String, Double> sum : new TreeMap<>(reference.sums()).entrySet()) {
      out.writeUTF(sum.getKey());
      out.writeDouble(sum.getValue());
    }
    out.writeInt(reference.tokens().size());
    for (Map.Entry<String, float[]> tokens : new TreeMap<>(reference.tokens()).entrySet()) {
      out.writeUTF(tokens.getKey());
      out.writeInt(tokens.getValue().length);
      for (float token : tokens.getValue()) {
        out.writeFloat(token);
      }
    }
  }

  static Reference readReference(DataInputStream in) throws IOException {
    Map<String, Double> sums = new TreeMap<>();
    for (int left = in.readInt(); left > 0; left--) {
      sums.put(in.readUTF(), in.readDouble());
    }
    Map<String, float[]> tokens = new TreeMap<>();
    for (int left = in.readInt(); left > 0; left--) {
      String role = in.readUTF();
      float[] ofSequence = new float[in.readInt()];
      for (int i = 0; i < ofSequence.length; i++) {
        ofSequence[i] = in.readFloat();
      }
      tokens.put(role, ofSequence);
    }
    return new Reference(sums, tokens);
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
