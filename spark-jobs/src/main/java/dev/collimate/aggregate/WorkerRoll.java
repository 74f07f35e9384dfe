package dev.collimate.aggregate;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

/** Who has come, who has gone and what went wrong first: for messages. */
final class WorkerRoll {

  private static final int FAILURES_TOLD = 4;
  private static final int FAILURES_KEPT = 64;

  private final int asked;
  private final Map<Long, WorkerPlace> places = new HashMap<>();
  private final Map<String, String> firstFailures = new LinkedHashMap<>();
  private final Map<String, String> departures = new LinkedHashMap<>();
  private String lastSeen = "";
  private long lastSeenAt;

  WorkerRoll(int asked) {
    this.asked = asked;
  }

  void arrived(long session, WorkerPlace place, long now) {
    places.put(session, place);
    seen(place, now);
  }

  /** The place of a session of this run, past ones too. */
  WorkerPlace place(long session) {
    return places.get(session);
  }

  void left(WorkerPlace place, String why, long now) {
    seen(place, now);
    keep(departures, place.toString(), why);
  }

  void failed(String place, String sentence) {
    keep(firstFailures, place, sentence);
  }

  private static void keep(Map<String, String> causes, String place, String sentence) {
    if (causes.size() < FAILURES_KEPT) {
      causes.putIfAbsent(place, sentence);
    }
  }

  String describe(long now) {
    StringBuilder text = new StringBuilder("asked for ").append(asked);
    text.append(", ").append(places.size()).append(" came so far");
    if (!lastSeen.isEmpty()) {
      text.append("; last seen ").append(lastSeen);
      text.append(' ').append(Math.round((now - lastSeenAt) / 1e9)).append(" s ago");
    }
    // A closed connection only follows from what the worker itself or Spark has to say.
    Stream.concat(firstFailures.entrySet().stream(), departures.entrySet().stream())
        .limit(FAILURES_TOLD)
        .forEach(
            entry ->
                text.append("; ").append(entry.getKey()).append(": ").append(entry.getValue()));
    return text.toString();
  }

  private void seen(WorkerPlace place, long now) {
    lastSeen = place.toString();
    lastSeenAt = now;
  }
}
