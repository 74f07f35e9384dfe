package dev.collimate.nn;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Packs TorchScript source into the file that libtorch loads: a zip, stored, whose {@code data.pkl}
 * makes one stateless object of the class {@code Kernels}.
 */
final class ScriptArchive {

  private static final String FOLDER = "kernels/";

  /** Libtorch 2.x writes 10; with a lower number older operator signatures would be meant. */
  private static final String FILE_FORMAT_VERSION = "10\n";

  /** Pickle: the class, an instance of it, an empty state, set. */
  private static final String INSTANCE = "\u0080\u0002c__torch__\nKernels\n)\u0081}b.";

  /** Pickle: the empty tuple. */
  private static final String NO_CONSTANTS = "\u0080\u0002).";

  private ScriptArchive() {}

  static byte[] pack(String source) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.setMethod(ZipOutputStream.STORED);
      add(zip, "data.pkl", INSTANCE.getBytes(StandardCharsets.ISO_8859_1));
      add(zip, "code/__torch__.py", source.getBytes(StandardCharsets.UTF_8));
      add(zip, "constants.pkl", NO_CONSTANTS.getBytes(StandardCharsets.ISO_8859_1));
      add(zip, "version", FILE_FORMAT_VERSION.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static void add(ZipOutputStream zip, String name, byte[] content) throws IOException {
    CRC32 checksum = new CRC32();
    checksum.update(content);
    ZipEntry entry = new ZipEntry(FOLDER + name);
    entry.setSize(content.length);
    entry.setCompressedSize(content.length);
    entry.setCrc(checksum.getValue());
    entry.setTime(0);
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }
}
