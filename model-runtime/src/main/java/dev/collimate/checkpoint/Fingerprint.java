package dev.collimate.checkpoint;

import dev.collimate.files.Folder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Hashes of a folder of tensors. */
final class Fingerprint {

  /** Bytes of each tensor that the quick hash reads. */
  static final int SAMPLE_BYTES = 1024;

  private final MessageDigest digest;

  private Fingerprint() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Java always has SHA-256", e);
    }
  }

  static String quick(Folder folder, String config, TensorFiles tensors) {
    Fingerprint fingerprint = new Fingerprint();
    fingerprint.add(folder, config);
    for (SafetensorsHeader header : tensors.headers()) {
      fingerprint.add(header.file().getBytes(StandardCharsets.UTF_8));
      fingerprint.add(header.bytes());
    }
    ByteBuffer sample = ByteBuffer.allocate(SAMPLE_BYTES);
    for (String name : tensors.names()) {
      long bytes = tensors.elements(name) * tensors.dtype(name).bytes();
      tensors.readBytes(name, 0, sample.clear().limit((int) Math.min(SAMPLE_BYTES, bytes)));
      fingerprint.digest.update(sample.flip());
    }
    return fingerprint.hex();
  }

  static String full(Folder folder, String config, TensorFiles tensors) {
    Fingerprint fingerprint = new Fingerprint();
    fingerprint.add(folder, config);
    ByteBuffer chunk = ByteBuffer.allocate(TensorFiles.CHUNK_BYTES);
    for (SafetensorsHeader header : tensors.headers()) {
      fingerprint.add(header.file().getBytes(StandardCharsets.UTF_8));
      try (Folder.File file = folder.open(header.file())) {
        long length = file.length();
        for (long position = 0; position < length; position += TensorFiles.CHUNK_BYTES) {
          file.read(
              position,
              chunk.clear().limit((int) Math.min(TensorFiles.CHUNK_BYTES, length - position)));
          fingerprint.digest.update(chunk.flip());
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return fingerprint.hex();
  }

  private void add(Folder folder, String name) {
    try {
      add(folder.readWhole(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Length first, so that neighbours cannot trade bytes. */
  private void add(byte[] bytes) {
    digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).flip());
    digest.update(bytes);
  }

  private String hex() {
    return HexFormat.of().formatHex(digest.digest());
  }
}
