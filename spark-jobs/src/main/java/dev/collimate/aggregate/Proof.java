package dev.collimate.aggregate;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * How both sides show that they know the token without sending it: HMAC-SHA256 over the role and
 * both sides' fresh nonces.
 */
final class Proof {

  /** Who gives the proof; one side's proof is no use as the other's. */
  enum Role {
    DRIVER,
    WORKER
  }

  static final int NONCE_BYTES = 32;

  /** Begins every connection, so that a stranger is told apart from another version. */
  static final int MAGIC = 0x434C4D54;

  static final int PROTOCOL = 1;

  private static final SecureRandom RANDOM = new SecureRandom();

  private Proof() {}

  static byte[] nonce() {
    byte[] nonce = new byte[NONCE_BYTES];
    RANDOM.nextBytes(nonce);
    return nonce;
  }

  static byte[] of(Role role, byte[] token, byte[] workerNonce, byte[] driverNonce) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(token, "HmacSHA256"));
      mac.update(("collimate " + role).getBytes(StandardCharsets.US_ASCII));
      mac.update(workerNonce);
      return mac.doFinal(driverNonce);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has HmacSHA256", e);
    }
  }

  /** In constant time. */
  static boolean matches(byte[] expected, byte[] given) {
    return MessageDigest.isEqual(expected, given);
  }
}
