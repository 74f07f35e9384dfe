package dev.collimate.aggregate;

import java.io.Serializable;
import java.security.SecureRandom;

/**
 * Where the aggregator listens, and the secret of this attempt; goes into the worker's task.
 *
 * @param host the advertised name or address
 * @param token 256 random bits; both sides prove that they know it, it never crosses the wire
 */
public record Endpoint(String host, int port, byte[] token) implements Serializable {

  static final int TOKEN_BYTES = 32;

  public Endpoint {
    if (token.length != TOKEN_BYTES) {
      throw new IllegalArgumentException("the token must have 32 bytes, got " + token.length);
    }
    token = token.clone();
  }

  static Endpoint withRandomToken(String host, int port) {
    byte[] token = new byte[TOKEN_BYTES];
    new SecureRandom().nextBytes(token);
    return new Endpoint(host, port, token);
  }

  @Override
  public byte[] token() {
    return token.clone();
  }

  /** Without the token. */
  @Override
  public String toString() {
    return host + ":" + port;
  }
}
