package dev.collimate.data;

import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Checked rows as bytes. Spark's own serializers are either large (Java's) or cannot read records
 * (Kryo of Spark 3.5).
 */
final class RowCodec {

  private static final byte READY = 0;
  private static final byte LEFT_OUT = 1;
  private static final byte BLANK = 2;

  private RowCodec() {}

  static byte[] encode(CheckedRow row) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      if (row instanceof CheckedRow.Ready ready) {
        out.writeByte(READY);
        writeOrigin(out, row.origin());
        writeExample(out, ready.example());
        out.writeBoolean(ready.keyed());
        writeInt(out, ready.categories().size());
        for (Map.Entry<String, String> category : ready.categories().entrySet()) {
          writeText(out, category.getKey());
          writeText(out, category.getValue());
        }
        writeInt(out, ready.notes().size());
        for (String note : ready.notes()) {
          writeText(out, note);
        }
        writeText(out, ready.row());
      } else if (row instanceof CheckedRow.LeftOut leftOut) {
        out.writeByte(LEFT_OUT);
        writeOrigin(out, row.origin());
        writeText(out, leftOut.outcome().name());
        writeText(out, leftOut.reason());
        writeText(out, leftOut.detail());
        writeText(out, leftOut.row());
      } else {
        out.writeByte(BLANK);
        writeOrigin(out, row.origin());
      }
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory", e);
    }
    return bytes.toByteArray();
  }

  static CheckedRow decode(byte[] bytes) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      byte kind = in.readByte();
      RowOrigin origin = readOrigin(in);
      return switch (kind) {
        case READY -> {
          Example example = readExample(in);
          boolean keyed = in.readBoolean();
          Map<String, String> categories = new LinkedHashMap<>();
          for (int left = readInt(in); left > 0; left--) {
            categories.put(readText(in), readText(in));
          }
          Set<String> notes = new LinkedHashSet<>();
          for (int left = readInt(in); left > 0; left--) {
            notes.add(readText(in));
          }
          yield new CheckedRow.Ready(origin, example, keyed, categories, notes, readText(in));
        }
        case LEFT_OUT ->
            new CheckedRow.LeftOut(
                origin,
                CheckedRow.Outcome.valueOf(readText(in)),
                readText(in),
                readText(in),
                readText(in));
        case BLANK -> new CheckedRow.Blank(origin);
        default -> throw new IllegalArgumentException("no kind of row has code " + kind);
      };
    } catch (IOException e) {
      throw new UncheckedIOException("reading from memory", e);
    }
  }

  private static void writeOrigin(DataOutputStream out, RowOrigin origin) throws IOException {
    writeInt(out, origin.source());
    writeText(out, origin.file());
    out.writeLong(origin.block());
    out.writeLong(origin.index());
    writeInt(out, origin.side());
  }

  private static RowOrigin readOrigin(DataInputStream in) throws IOException {
    return new RowOrigin(readInt(in), readText(in), in.readLong(), in.readLong(), readInt(in));
  }

  private static void writeExample(DataOutputStream out, Example example) throws IOException {
    writeText(out, example.key());
    writeText(out, example.contentHash());
    out.writeDouble(example.weight());
    writeInt(out, example.sequences().size());
    for (Map.Entry<String, Sequence> entry : example.sequences().entrySet()) {
      writeText(out, entry.getKey());
      Sequence sequence = entry.getValue();
      writeInts(out, sequence.ids());
      writeInt(out, sequence.promptLength());
      Optional<int[]> runs = LossRuns.of(sequence);
      out.writeBoolean(runs.isPresent());
      if (runs.isPresent()) {
        writeInts(out, runs.get());
      }
      writeInt(out, sequence.marks().length);
      for (float mark : sequence.marks()) {
        out.writeFloat(mark);
      }
    }
    writeInt(out, example.scalars().size());
    for (Map.Entry<String, Double> entry : example.scalars().entrySet()) {
      writeText(out, entry.getKey());
      out.writeDouble(entry.getValue());
    }
  }

  private static Example readExample(DataInputStream in) throws IOException {
    String key = readText(in);
    String contentHash = readText(in);
    double weight = in.readDouble();
    Map<String, Sequence> sequences = new LinkedHashMap<>();
    for (int left = readInt(in); left > 0; left--) {
      String role = readText(in);
      int[] ids = readInts(in);
      int promptLength = readInt(in);
      byte[] mask =
          in.readBoolean()
              ? LossRuns.mask(readInts(in), ids.length)
              : LossRuns.usual(ids.length, promptLength);
      float[] marks = new float[readInt(in)];
      for (int t = 0; t < marks.length; t++) {
        marks[t] = in.readFloat();
      }
      sequences.put(role, new Sequence(ids, promptLength, mask, marks));
    }
    Map<String, Double> scalars = new LinkedHashMap<>();
    for (int left = readInt(in); left > 0; left--) {
      scalars.put(readText(in), in.readDouble());
    }
    return new Example(key, contentHash, weight, sequences, scalars);
  }

  /** Seven bits a byte, the last one without the high bit. */
  private static void writeInt(DataOutputStream out, int value) throws IOException {
    while ((value & ~0x7F) != 0) {
      out.writeByte((value & 0x7F) | 0x80);
      value >>>= 7;
    }
    out.writeByte(value);
  }

  private static int readInt(DataInputStream in) throws IOException {
    int value = 0;
    for (int shift = 0; ; shift += 7) {
      int next = in.readUnsignedByte();
      value |= (next & 0x7F) << shift;
      if (next < 0x80) {
        return value;
      }
    }
  }

  private static void writeInts(DataOutputStream out, int[] values) throws IOException {
    writeInt(out, values.length);
    for (int value : values) {
      writeInt(out, value);
    }
  }

  private static int[] readInts(DataInputStream in) throws IOException {
    int[] values = new int[readInt(in)];
    for (int i = 0; i < values.length; i++) {
      values[i] = readInt(in);
    }
    return values;
  }

  private static void writeText(DataOutputStream out, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    writeInt(out, bytes.length);
    out.write(bytes);
  }

  private static String readText(DataInputStream in) throws IOException {
    return new String(in.readNBytes(readInt(in)), StandardCharsets.UTF_8);
  }
}
