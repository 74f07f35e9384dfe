package dev.collimate.storage;

import java.io.IOException;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;

/** Counts and hashes what passes through it. */
public final class DigestingStream extends OutputStream {

  private final OutputStream out;
  private final MessageDigest digest = Publication.sha256();
  private long bytes;

  /** Closes {@code out} with itself. */
  public DigestingStream(OutputStream out) {
    this.out = out;
  }

  /** Number of bytes so far. */
  public long bytes() {
    return bytes;
  }

  /** SHA-256 of what was written, hexadecimal; once, after the last byte. */
  public String sha256() {
    return HexFormat.of().formatHex(digest.digest());
  }

  @Override
  public void write(int value) throws IOException {
    out.write(value);
    digest.update((byte) value);
    bytes++;
  }

  @Override
  public void write(byte[] buffer, int offset, int length) throws IOException {
    out.write(buffer, offset, length);
    digest.update(buffer, offset, length);
    bytes += length;
  }

  @Override
  public void flush() throws IOException {
    out.flush();
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
