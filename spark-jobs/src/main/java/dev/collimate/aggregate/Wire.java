package dev.collimate.aggregate;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Big-endian fields with lengths that are checked before anything is allocated for them. */
final class Wire {

  /** A message cannot be read. */
  static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1;

    MalformedException(String sentence) {
      super(sentence);
    }
  }

  /** Reads one field. */
  @FunctionalInterface
  interface Field<T> {
    T read(Reader in) throws MalformedException;
  }

  private static final double MOST_SECONDS = 1e7;

  private Wire() {}

  static final class Writer {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final DataOutputStream out = new DataOutputStream(bytes);

    Writer int8(int value) {
      return write(() -> out.writeByte(value));
    }

    Writer int32(int value) {
      return write(() -> out.writeInt(value));
    }

    Writer int64(long value) {
      return write(() -> out.writeLong(value));
    }

    Writer float64(double value) {
      return write(() -> out.writeDouble(value));
    }

    Writer bytes(byte[] value) {
      int32(value.length);
      return write(() -> out.write(value));
    }

    Writer text(String value) {
      return bytes(value.getBytes(StandardCharsets.UTF_8));
    }

    <T> Writer list(List<T> values, Consumer<T> each) {
      int32(values.size());
      values.forEach(each);
      return this;
    }

    ByteBuffer toBuffer() {
      return ByteBuffer.wrap(bytes.toByteArray());
    }

    private Writer write(Write write) {
      try {
        write.run();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return this;
    }

    private interface Write {
      void run() throws IOException;
    }
  }

  static final class Reader {
    private final ByteBuffer in;

    Reader(ByteBuffer in) {
      this.in = in.duplicate();
    }

    int int8() throws MalformedException {
      return need(1).get();
    }

    int int32() throws MalformedException {
      return need(4).getInt();
    }

    long int64() throws MalformedException {
      return need(8).getLong();
    }

    double float64() throws MalformedException {
      return need(8).getDouble();
    }

    /** A time in seconds; no worker's measure is negative, endless or no number. */
    double seconds() throws MalformedException {
      double seconds = float64();
      if (!(seconds >= 0 && seconds <= MOST_SECONDS)) {
        throw new MalformedException("a time is " + seconds + " s");
      }
      return seconds;
    }

    byte[] bytes() throws MalformedException {
      int length = int32();
      if (length < 0) {
        throw new MalformedException("a field has the length " + length);
      }
      need(length);
      byte[] value = new byte[length];
      in.get(value);
      return value;
    }

    String text() throws MalformedException {
      return new String(bytes(), StandardCharsets.UTF_8);
    }

    <T> List<T> list(Field<T> field) throws MalformedException {
      int count = int32();
      // Every element has a byte at least, so a count beyond what is left is a lie.
      if (count < 0 || count > in.remaining()) {
        throw new MalformedException("a list has the length " + count);
      }
      List<T> values = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        values.add(field.read(this));
      }
      return values;
    }

    /** One of a closed set, told by its number. */
    <T> T one(T[] values) throws MalformedException {
      int number = int8();
      if (number < 0 || number >= values.length) {
        throw new MalformedException("a choice has the number " + number);
      }
      return values[number];
    }

    void end() throws MalformedException {
      if (in.hasRemaining()) {
        throw new MalformedException(in.remaining() + " bytes after the end of a message");
      }
    }

    private ByteBuffer need(int length) throws MalformedException {
      if (in.remaining() < length) {
        throw new MalformedException(
            "a message ends " + (length - in.remaining()) + " bytes too early");
      }
      return in;
    }
  }

  /** Reads a whole message. */
  static <T> T read(ByteBuffer message, Field<T> field) throws MalformedException {
    Reader in = new Reader(message);
    T value;
    try {
      value = field.read(in);
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      throw new MalformedException(e.toString());
    }
    in.end();
    return value;
  }
}
