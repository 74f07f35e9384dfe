package dev.collimate.aggregate;

import dev.collimate.CollimateException;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.VectorPool;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.spark.network.buffer.ManagedBuffer;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.client.StreamCallbackWithID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings workers and rounds together. One thread owns all state; network threads only queue what
 * they read; sums run on a reducer thread.
 */
final class Coordinator implements DriverConnection.Hub, AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Coordinator.class);
  private static final long TICK_MILLIS = 200;
  private static final double POLL_SECONDS = 15;
  private static final double PROOF_SECONDS = 15;

  private final AggregatorConfig config;
  private final RegistrationPolicy policy;
  private final LeafTimes gradientTimes;
  private final LeafTimes callTimes;
  private final ScheduledExecutorService loop =
      Executors.newSingleThreadScheduledExecutor(task -> daemon(task, "collimate-aggregator"));
  private final ExecutorService reducer =
      Executors.newSingleThreadExecutor(task -> daemon(task, "collimate-reducer"));
  private final Map<DriverConnection, Long> unproved = new HashMap<>();
  private final Map<Long, Session> sessions = new LinkedHashMap<>();
  private final WorkerRoll roll;
  private VectorPool pool = new VectorPool(0);
  private CompletableFuture<Integer> gathering;
  private long gatheringSince;
  private boolean stopping;
  private long nextSession = 1;
  private long nextRound = 1;
  private long nextLease = 1;
  private volatile Round round;
  private volatile Served served;

  Coordinator(AggregatorConfig config, RegistrationPolicy policy) {
    this.config = config;
    this.policy = policy;
    this.roll = new WorkerRoll(config.workers());
    this.gradientTimes = new LeafTimes(config.firstLeaseSeconds(), config.leaseSlackSeconds());
    this.callTimes = new LeafTimes(config.firstLeaseSeconds(), config.leaseSlackSeconds());
    var unused =
        loop.scheduleWithFixedDelay(
            guarded(this::tick), TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
  }

  /** Waits for the workers asked for, and a stated time later goes on with fewer. */
  CompletableFuture<Integer> gather() {
    CompletableFuture<Integer> all = new CompletableFuture<>();
    inLoop(
        () -> {
          gathering = all;
          gatheringSince = now();
          roll.waitingFrom(gatheringSince);
          checkGathered();
        });
    return all;
  }

  CompletableFuture<StepResult> begin(
      Reply.Work work, long version, FlatVector parameters, List<byte[]> payloads) {
    CompletableFuture<StepResult> result = new CompletableFuture<>();
    inLoop(
        () -> {
          try {
            start(work, version, parameters, payloads, result);
            dispatch();
          } catch (RuntimeException e) {
            result.completeExceptionally(e);
          }
        });
    return result;
  }

  /** Remembers why a worker could not take part; the first cause of each place is what counts. */
  void noteFailure(String place, String sentence) {
    inLoop(() -> roll.failed(place, sentence));
  }

  CompletableFuture<List<WorkerPlace>> workers() {
    CompletableFuture<List<WorkerPlace>> places = new CompletableFuture<>();
    inLoop(
        () ->
            places.complete(
                sessions.values().stream()
                    .filter(Session::isRegistered)
                    .map(Session::place)
                    .toList()));
    return places;
  }

  /** Tells every worker to stop, now and whenever it asks. */
  void stop() {
    inLoop(
        () -> {
          stopping = true;
          if (round != null) {
            round.fail(CollimateException.resources("the aggregator was closed"));
          }
          sessions.values().forEach(session -> session.answerPoll(new Reply.Stop()));
        });
  }

  @Override
  public void close() {
    loop.shutdownNow();
    reducer.shutdownNow();
  }

  @Override
  public void opened(DriverConnection connection) {
    inLoop(() -> unproved.put(connection, now()));
  }

  @Override
  public void request(DriverConnection connection, Request request, RpcResponseCallback answer) {
    inLoop(() -> handle(connection, request, answer));
  }

  @Override
  public StreamCallbackWithID upload(DriverConnection connection, long lease, int from, int to) {
    Round current = round;
    if (current == null) {
      return new DriverConnection.Discarded("no round is in progress");
    }
    return current
        .upload(connection.session(), lease, from, to)
        .orElseGet(() -> new DriverConnection.Discarded("the result is not waited for"));
  }

  @Override
  public ManagedBuffer parameters(long version, int from, int to) {
    Served current = served;
    if (current == null
        || current.isRetired()
        || current.version() != version
        || !current.hasBlocks(from, to)) {
      return null;
    }
    return new VectorBody(current.values(), from, to, version, current::isRetired);
  }

  @Override
  public void closed(DriverConnection connection) {
    inLoop(
        () -> {
          unproved.remove(connection);
          Session session = sessions.get(connection.session());
          if (session != null && session.control() == connection) {
            lose(session, "its connection closed");
          }
        });
  }

  private void start(
      Reply.Work work,
      long version,
      FlatVector parameters,
      List<byte[]> payloads,
      CompletableFuture<StepResult> result) {
    if (stopping) {
      throw new IllegalStateException("the aggregator is closed");
    }
    if (round != null) {
      if (!round.isOver()) {
        throw new IllegalStateException("a round is in progress");
      }
      nextLease = round.nextLease();
      round.takeBackGradient();
    }
    if (pool.vectorSize() != parameters.size()) {
      pool = new VectorPool(parameters.size());
    }
    Ledger ledger =
        work == Reply.Work.GRADIENT
            ? Ledger.ofGradients(
                payloads.size(), nextLease, gradientTimes, config.maxLeaseLeaves(), config.mixed())
            : Ledger.ofCalls(payloads.size(), nextLease, callTimes, config.mixed());
    served = new Served(version, parameters);
    roll.waitingFrom(now());
    round =
        new Round(
            nextRound++,
            work,
            served,
            payloads,
            ledger,
            pool,
            this::inLoop,
            reducer,
            roll::place,
            result,
            now());
  }

  private void handle(DriverConnection connection, Request request, RpcResponseCallback answer) {
    unproved.remove(connection);
    if (request instanceof Request.Arrive arrive) {
      answer.onSuccess(arrive(connection, arrive).encode());
      return;
    }
    if (request instanceof Request.Attach attach) {
      boolean known = sessions.containsKey(attach.session());
      connection.belongsTo(known ? attach.session() : DriverConnection.NOBODY);
      answer.onSuccess((known ? new Reply.Fine() : new Reply.Refused("no such worker")).encode());
      return;
    }
    Session session = sessions.get(connection.session());
    if (session == null || session.control() != connection) {
      answer.onSuccess(new Reply.Refused("a worker must arrive first").encode());
      return;
    }
    hear(session);
    if (request instanceof Request.Poll) {
      poll(session, answer);
    } else if (request instanceof Request.Offer offer) {
      offer(session, offer, answer);
    } else {
      answer.onSuccess(reply(session, request).encode());
    }
    dispatch();
  }

  private Reply arrive(DriverConnection connection, Request.Arrive arrive) {
    Session session = new Session(nextSession++, arrive.place(), connection, now());
    sessions.put(session.id(), session);
    roll.arrived(session.id(), arrive.place(), now());
    connection.belongsTo(session.id());
    return new Reply.Arrived(session.id());
  }

  private void poll(Session session, RpcResponseCallback answer) {
    if (stopping) {
      answer.onSuccess(new Reply.Stop().encode());
    } else if (!session.isRegistered()) {
      answer.onSuccess(new Reply.Refused("a worker must register first").encode());
    } else {
      session.ask(answer, now());
    }
  }

  private void offer(Session session, Request.Offer offer, RpcResponseCallback answer) {
    if (round == null) {
      answer.onSuccess(new Reply.Drop().encode());
    } else {
      round.offer(session, offer, answer, now());
    }
  }

  private Reply reply(Session session, Request request) {
    if (request instanceof Request.Register register) {
      return register(session, register);
    } else if (request instanceof Request.Answer result) {
      if (round != null) {
        round.answer(session, result, now());
      }
    } else if (request instanceof Request.Failed failed) {
      roll.failed(session.place().toString(), failed.sentence());
      log.warn("{} failed: {}", session.place(), failed.sentence());
      if (round != null) {
        round.failed(session, failed);
      }
    } else if (request instanceof Request.Leave leave) {
      lose(session, leave.sentence());
    } else if (request instanceof Request.Heartbeat) {
      if (stopping) {
        return new Reply.Stop();
      }
      return new Reply.Beat(round == null || round.isOver() ? -1 : round.id());
    }
    return new Reply.Fine();
  }

  private Reply register(Session session, Request.Register register) {
    var refusal = policy.refuse(session.place(), register.description());
    if (refusal.isPresent()) {
      log.warn("{} is refused: {}", session.place(), refusal.get());
      roll.failed(session.place().toString(), refusal.get());
      sessions.remove(session.id());
      return new Reply.Refused(refusal.get());
    }
    session.register();
    log.info("{} takes part; workers now: {}", session.place(), registered());
    checkGathered();
    return new Reply.Fine();
  }

  private void hear(Session session) {
    if (session.heard(now())) {
      log.info("{} is back", session.place());
      if (round != null) {
        round.heard(session, now());
      }
    }
  }

  private void lose(Session session, String why) {
    sessions.remove(session.id());
    roll.left(session.place(), why, now());
    if (round != null && !round.isOver()) {
      log.warn("{} is lost: {}", session.place(), why);
      round.lost(session, now());
      dispatch();
    }
  }

  private void dispatch() {
    if (round == null || round.isOver()) {
      return;
    }
    int workers = Math.max(config.workers(), registered());
    for (Session session : sessions.values()) {
      if (session.asks()) {
        var grant = round.grant(session, workers, now());
        if (grant.isEmpty()) {
          return;
        }
        session.answerPoll(grant.get());
      }
    }
  }

  private void tick() {
    long now = now();
    for (Session session : List.copyOf(sessions.values())) {
      if (session.asks() && session.askedSeconds(now) > POLL_SECONDS) {
        session.answerPoll(new Reply.Fine());
      }
      if (!session.isSilent() && session.silentSeconds(now) > config.silenceSeconds()) {
        session.silence();
        log.warn("{} has been silent for {} s", session.place(), config.silenceSeconds());
        if (round != null) {
          round.silent(session, now);
        }
      }
    }
    unproved.entrySet().stream()
        .filter(entry -> (now - entry.getValue()) / 1e9 > PROOF_SECONDS)
        .forEach(entry -> entry.getKey().close());
    if (round != null) {
      round.tick(sessions.values().stream().anyMatch(Session::asks), now);
      dispatch();
    }
    checkGathered();
    checkNobody(now);
  }

  private void checkGathered() {
    if (gathering == null) {
      return;
    }
    int count = registered();
    double waited = (now() - gatheringSince) / 1e9;
    if (count >= config.workers() || (count > 0 && waited >= config.startWaitSeconds())) {
      if (count < config.workers()) {
        log.warn(
            "Starting with {} of {} workers after {} s: {}",
            count,
            config.workers(),
            config.startWaitSeconds(),
            roll.describe(now()));
      }
      gathering.complete(count);
      gathering = null;
    }
  }

  private void checkNobody(long now) {
    boolean waiting = gathering != null || (round != null && !round.isOver());
    if (registered() > 0 || !waiting) {
      roll.waitingFrom(now);
    } else if (roll.waitedSeconds(now) > config.noWorkerSeconds()) {
      CollimateException nobody =
          CollimateException.resources(
              "no worker for "
                  + Math.round(config.noWorkerSeconds())
                  + " s: "
                  + roll.describe(now));
      if (gathering != null) {
        gathering.completeExceptionally(nobody);
        gathering = null;
      }
      if (round != null) {
        round.fail(nobody);
      }
    }
  }

  private int registered() {
    return (int) sessions.values().stream().filter(Session::isRegistered).count();
  }

  private void inLoop(Runnable task) {
    if (!loop.isShutdown()) {
      loop.execute(guarded(task));
    }
  }

  /** A fault of ours ends the round with its cause; it must not end the thread unseen. */
  private Runnable guarded(Runnable task) {
    return () -> {
      try {
        task.run();
      } catch (RuntimeException | Error e) {
        log.error("The aggregator failed", e);
        Round current = round;
        if (current != null) {
          current.fail(
              new CollimateException(
                  CollimateException.Kind.INTERNAL, "the aggregator failed: " + e, e));
        }
      }
    };
  }

  private static long now() {
    return System.nanoTime();
  }

  private static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }
}
