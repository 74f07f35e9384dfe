package dev.collimate.aggregate;

import dev.collimate.CollimateException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The workers that are there, and the waiting for those that are not; on one thread only. */
final class Workers {

  private static final Logger log = LoggerFactory.getLogger(Workers.class);
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final double POLL_SECONDS = 15;
  private static final double PAUSE_SECONDS = 2;
  private static final double FORGET_SECONDS = 120;

  /** What a look at the clock has shown. */
  record Changes(List<Session> silent, List<Session> forgotten) {}

  private final AggregatorConfig config;
  private final RegistrationPolicy policy;
  private final WorkerRoll roll;
  private final Map<Long, Session> sessions = new LinkedHashMap<>();
  private CompletableFuture<Integer> gathering = CompletableFuture.completedFuture(0);
  private long gatheringSince;
  private long nobodySince;
  private long lastLook;
  private Optional<CollimateException> hopeless = Optional.empty();

  Workers(AggregatorConfig config, RegistrationPolicy policy, long now) {
    this.config = config;
    this.policy = policy;
    this.roll = new WorkerRoll(config.workers());
    this.lastLook = now;
    this.nobodySince = now;
  }

  WorkerRoll roll() {
    return roll;
  }

  Session arrive(DriverConnection connection, WorkerPlace place, long now) {
    Session session = new Session(unguessable(), place, connection, now);
    sessions.put(session.id(), session);
    roll.arrived(session.id(), place, now);
    return session;
  }

  /** Whoever knows a session's number can send in its name. */
  private long unguessable() {
    long id = RANDOM.nextLong() & Long.MAX_VALUE;
    return roll.place(id) == null ? id : unguessable();
  }

  /** Sessions of a worker that has come anew and so has no more use for them. */
  List<Session> at(WorkerPlace place) {
    return sessions.values().stream().filter(session -> session.place().equals(place)).toList();
  }

  /** The session whose requests come over this connection. */
  Optional<Session> of(DriverConnection connection) {
    return Optional.ofNullable(sessions.get(connection.session()))
        .filter(session -> session.control() == connection);
  }

  boolean isHere(long session) {
    return sessions.containsKey(session);
  }

  Collection<Session> all() {
    return sessions.values();
  }

  /** Admits the worker, or says why not; a refused worker is forgotten. */
  Optional<String> register(Session session, byte[] description, long now) {
    Optional<String> refusal = refusal(session.place(), description);
    if (refusal.isPresent()) {
      log.warn("{} is refused: {}", session.place(), refusal.get());
      roll.failed(session.place().toString(), refusal.get());
      sessions.remove(session.id());
    } else {
      session.register();
      log.info("{} takes part; workers now: {}", session.place(), registered().size());
      checkGathered(now);
    }
    return refusal;
  }

  /** What one worker says of itself, whatever it is, must not end the run of the others. */
  private Optional<String> refusal(WorkerPlace worker, byte[] description) {
    try {
      return policy.refuse(worker, description);
    } catch (RuntimeException e) {
      log.warn("The description of {} cannot be judged", worker, e);
      return RegistrationPolicy.unreadable(worker);
    }
  }

  void leave(Session session, String why, long now) {
    sessions.remove(session.id());
    roll.left(session.place(), why, now);
  }

  List<Session> registered() {
    return sessions.values().stream().filter(Session::isRegistered).toList();
  }

  /** How many leases should be open at one time. */
  int expected() {
    return Math.max(config.workers(), registered().size());
  }

  boolean someAsk() {
    return sessions.values().stream().anyMatch(Session::asks);
  }

  /** Completes the future once all are there, or some are and the start wait is over. */
  void gather(CompletableFuture<Integer> all, long now) {
    gathering = all;
    gatheringSince = now;
    nobodySince = now;
    checkGathered(now);
  }

  /** Answers polls that have waited long, and finds who is silent. */
  Changes look(long now) {
    double gap = (now - lastLook) / 1e9;
    if (gap > PAUSE_SECONDS) {
      // This JVM stood still, so nobody could be heard; that is not their silence.
      sessions.values().forEach(session -> session.excuse(now - lastLook));
    }
    lastLook = now;
    List<Session> silent = new ArrayList<>();
    List<Session> forgotten = new ArrayList<>();
    for (Session session : sessions.values()) {
      if (session.asks() && session.askedSeconds(now) > POLL_SECONDS) {
        session.answerPoll(new Reply.Fine());
      }
      if (session.silentSeconds(now) > FORGET_SECONDS) {
        forgotten.add(session);
      } else if (!session.isSilent() && session.silentSeconds(now) > config.silenceSeconds()) {
        session.silence();
        log.warn("{} has been silent for {} s", session.place(), config.silenceSeconds());
        silent.add(session);
      }
    }
    checkGathered(now);
    return new Changes(silent, forgotten);
  }

  /** Why there is no use in waiting for a worker; void with the first that takes part. */
  void expectNobody(CollimateException failure) {
    hopeless = Optional.of(failure);
  }

  /** The failure of whoever waits for workers, once there has been none for too long. */
  Optional<CollimateException> nobody(boolean roundWaits, long now) {
    boolean somebody = registered().stream().anyMatch(session -> !session.isSilent());
    if (somebody) {
      hopeless = Optional.empty();
    }
    if (somebody || (gathering.isDone() && !roundWaits)) {
      nobodySince = now;
      return Optional.empty();
    }
    double seconds = (now - nobodySince) / 1e9;
    if (seconds <= config.noWorkerSeconds() && hopeless.isEmpty()) {
      return Optional.empty();
    }
    CollimateException failure =
        hopeless.orElseGet(
            () ->
                CollimateException.resources(
                    "no worker for " + Math.round(seconds) + " s: " + roll.describe(now)));
    gathering.completeExceptionally(failure);
    return Optional.of(failure);
  }

  private void checkGathered(long now) {
    int count = registered().size();
    double waited = (now - gatheringSince) / 1e9;
    boolean enough = count > 0 && waited >= config.startWaitSeconds();
    if (!gathering.isDone() && (count >= config.workers() || enough)) {
      if (count < config.workers()) {
        log.warn(
            "Starting with {} of {} workers after {} s: {}",
            count,
            config.workers(),
            config.startWaitSeconds(),
            roll.describe(now));
      }
      gathering.complete(count);
    }
  }
}
