package dev.collimate.aggregate;

import java.util.LinkedHashMap;
import java.util.Map;

/** Connections that have not proved the token and asked for something yet; on one thread only. */
final class Strangers {

  private static final double PROOF_SECONDS = 15;

  private final int most;
  private final Map<DriverConnection, Long> since = new LinkedHashMap<>();

  /**
   * @param most beyond so many, the eldest is closed
   */
  Strangers(int most) {
    this.most = most;
  }

  void came(DriverConnection connection, long now) {
    since.put(connection, now);
    if (since.size() > most) {
      DriverConnection eldest = since.keySet().iterator().next();
      since.remove(eldest);
      eldest.close();
    }
  }

  /** It has proved itself, or is gone. */
  void noMore(DriverConnection connection) {
    since.remove(connection);
  }

  /** Closes those that take too long. */
  void look(long now) {
    since.entrySet().stream()
        .filter(entry -> (now - entry.getValue()) / 1e9 > PROOF_SECONDS)
        .forEach(entry -> entry.getKey().close());
  }
}
