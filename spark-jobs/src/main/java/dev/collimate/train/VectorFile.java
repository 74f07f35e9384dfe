package dev.collimate.train;

import dev.collimate.parameters.FlatVector;
import dev.collimate.storage.Publication;
import dev.collimate.storage.PublishedFile;
import dev.collimate.storage.Storage;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.apache.hadoop.fs.Path;

/** A flat vector as bytes: little-endian float32, without a header. */
final class VectorFile {

  private VectorFile() {}

  static void write(FlatVector vector, OutputStream out) throws IOException {
    byte[] bytes = new byte[FlatVector.BLOCK * Float.BYTES];
    for (int i = 0; i < vector.blockCount(); i++) {
      float[] block = vector.block(i);
      floats(bytes).put(block);
      out.write(bytes, 0, block.length * Float.BYTES);
    }
  }

  /**
   * Fills vectors from a file, one after the other.
   *
   * @param file as {@code source} lists it
   * @throws DamagedFileException where the file is missing, shorter, or has another checksum
   */
  static void read(
      Storage storage, Path directory, PublishedFile file, List<FlatVector> vectors, String source)
      throws IOException {
    MessageDigest digest = Publication.sha256();
    try (InputStream in =
        new DigestInputStream(
            storage.fileSystem().open(new Path(directory, file.name())), digest)) {
      for (FlatVector vector : vectors) {
        fill(vector, in);
      }
    } catch (EOFException e) {
      throw tooShort(file, e);
    } catch (FileNotFoundException e) {
      throw new DamagedFileException(file.name() + " is missing", e);
    }
    if (!HexFormat.of().formatHex(digest.digest()).equals(file.sha256())) {
      throw otherChecksum(file, source);
    }
  }

  /**
   * Reads a file through without keeping it.
   *
   * @param file as {@code source} lists it
   * @throws DamagedFileException where the file is missing, shorter, or has another checksum
   */
  static void requireIntact(Storage storage, Path directory, PublishedFile file, String source)
      throws IOException {
    PublishedFile present;
    try {
      present = Publication.measure(storage, directory, file.name());
    } catch (FileNotFoundException e) {
      throw new DamagedFileException(file.name() + " is missing", e);
    }
    if (present.bytes() < file.bytes()) {
      throw tooShort(file, null);
    }
    if (!present.equals(file)) {
      throw otherChecksum(file, source);
    }
  }

  private static DamagedFileException tooShort(PublishedFile file, Throwable cause) {
    return new DamagedFileException(
        file.name() + " is shorter than the " + file.bytes() + " bytes listed", cause);
  }

  private static DamagedFileException otherChecksum(PublishedFile file, String source) {
    return new DamagedFileException(
        file.name() + " does not have the checksum that " + source + " lists");
  }

  private static void fill(FlatVector vector, InputStream in) throws IOException {
    byte[] bytes = new byte[FlatVector.BLOCK * Float.BYTES];
    for (int i = 0; i < vector.blockCount(); i++) {
      float[] block = vector.block(i);
      int expected = block.length * Float.BYTES;
      if (in.readNBytes(bytes, 0, expected) < expected) {
        throw new EOFException();
      }
      floats(bytes).get(block);
    }
  }

  private static FloatBuffer floats(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
  }
}
