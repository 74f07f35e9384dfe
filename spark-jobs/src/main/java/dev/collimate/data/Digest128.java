package dev.collimate.data;

import dev.collimate.storage.Publication;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * The first 128 bits of a SHA-256 digest, by which a row's key or content is known.
 *
 * @param high the first eight bytes, big-endian
 * @param low the next eight
 */
public record Digest128(long high, long low) implements Comparable<Digest128> {

  public static final int BYTES = 16;

  public static Digest128 of(String text) {
    return of(text.getBytes(StandardCharsets.UTF_8));
  }

  public static Digest128 of(byte[] content) {
    ByteBuffer digest = ByteBuffer.wrap(Publication.sha256().digest(content));
    return new Digest128(digest.getLong(), digest.getLong());
  }

  /** Reads the first 32 digits of a longer hexadecimal digest. */
  public static Digest128 ofHex(String hexadecimal) {
    return new Digest128(
        HexFormat.fromHexDigitsToLong(hexadecimal, 0, 16),
        HexFormat.fromHexDigitsToLong(hexadecimal, 16, 32));
  }

  /** 32 hexadecimal digits. */
  public String hex() {
    return HexFormat.of().toHexDigits(high) + HexFormat.of().toHexDigits(low);
  }

  @Override
  public int compareTo(Digest128 other) {
    int byHigh = Long.compareUnsigned(high, other.high);
    return byHigh != 0 ? byHigh : Long.compareUnsigned(low, other.low);
  }
}
