package dev.collimate.aggregate;

import dev.collimate.CollimateException;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.VectorPool;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.IntConsumer;
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
  private static final int STRANGERS = 256;

  private final AggregatorConfig config;
  private final LeafTimes gradientTimes;
  private final LeafTimes callTimes;
  private final Loop loop = new Loop(this::failed);
  private final ExecutorService reducer =
      Executors.newSingleThreadExecutor(task -> Loop.daemon(task, "collimate-reducer"));
  private final Workers workers;
  private final Strangers strangers;
  private VectorPool pool = new VectorPool(0);
  private boolean stopping;
  private final CompletableFuture<Void> empty = new CompletableFuture<>();
  private long nextRound = 1;
  private long nextLease = 1;
  private long differingBefore;
  private volatile long differing;
  private volatile Optional<Round> round = Optional.empty();
  private final Serving serving = new Serving();

  Coordinator(AggregatorConfig config, RegistrationPolicy policy) {
    this.config = config;
    this.workers = new Workers(config, policy, now());
    this.gradientTimes = new LeafTimes(config.firstLeaseSeconds(), config.leaseSlackSeconds());
    this.callTimes = new LeafTimes(config.firstLeaseSeconds(), config.leaseSlackSeconds());
    // A run's own workers come by the hundred too, and prove themselves in milliseconds.
    this.strangers = new Strangers(Math.max(STRANGERS, 4 * config.workers()));
    loop.every(TICK_MILLIS, this::tick);
  }

  /** Waits for the workers asked for, and a stated time later goes on with fewer. */
  CompletableFuture<Integer> gather() {
    return loop.ask(all -> workers.gather(all, now()));
  }

  CompletableFuture<StepResult> begin(
      Reply.Work work, long version, FlatVector parameters, List<byte[]> payloads) {
    return loop.ask(
        result -> {
          start(work, version, parameters, payloads, result);
          dispatch();
        });
  }

  /**
   * Lets workers without work pull the next version while it is being computed.
   *
   * @return told how many of the first blocks are done, until it was told all of them
   */
  IntConsumer announce(long version, FlatVector parameters) {
    Served next = Served.announced(version, parameters);
    loop.execute(
        () -> {
          serving.announce(next);
          workers.all().forEach(session -> session.tellOf(next));
        });
    return count -> {
      next.ready(count);
      loop.execute(serving::look);
    };
  }

  /** Remembers why a worker could not take part; the first cause of each place is what counts. */
  void noteFailure(String place, String sentence) {
    loop.execute(() -> workers.roll().failed(place, sentence));
  }

  void expectNobody(CollimateException failure) {
    loop.execute(() -> workers.expectNobody(failure));
  }

  CompletableFuture<List<WorkerPlace>> workers() {
    return loop.ask(
        places -> places.complete(workers.registered().stream().map(Session::place).toList()));
  }

  /** Results of all rounds that differed in bits from the first of their leaf; see mixed. */
  long differing() {
    return differing;
  }

  /**
   * Tells every worker to stop, now and whenever it asks.
   *
   * @return completed when none is left
   */
  CompletableFuture<Void> stop() {
    loop.execute(
        () -> {
          stopping = true;
          serving.stop();
          completeWhenEmpty();
          round.ifPresent(current -> current.fail(Loop.closed()));
          workers.all().forEach(session -> session.answerPoll(new Reply.Stop()));
        });
    return empty;
  }

  /** Whoever still waits for something hears that it will not come. */
  @Override
  public void close() {
    loop.close();
    reducer.shutdownNow();
  }

  /** Sums run here; what fails there must not leave the round waiting for it. */
  void onReducer(Runnable sum) {
    try {
      reducer.execute(
          () -> {
            try {
              sum.run();
            } catch (RuntimeException | Error e) {
              loop.execute(() -> failed(e));
            }
          });
    } catch (RejectedExecutionException e) {
      log.debug("The aggregator is closed", e);
    }
  }

  @Override
  public void opened(DriverConnection connection) {
    loop.execute(() -> strangers.came(connection, now()));
  }

  @Override
  public void request(DriverConnection connection, Request request, RpcResponseCallback answer) {
    loop.execute(() -> handle(connection, request, answer));
  }

  @Override
  public StreamCallbackWithID upload(DriverConnection connection, long lease, int from, int to) {
    return round
        .flatMap(current -> current.upload(connection.session(), lease, from, to))
        .orElseGet(() -> new DriverConnection.Discarded("the result is not waited for"));
  }

  @Override
  public Optional<ManagedBuffer> parameters(long version, int from, int to) {
    return serving.blocks(version, from, to);
  }

  @Override
  public void closed(DriverConnection connection) {
    loop.execute(
        () -> {
          strangers.noMore(connection);
          workers.of(connection).ifPresent(session -> lose(session, "its connection closed"));
        });
  }

  private void start(
      Reply.Work work,
      long version,
      FlatVector parameters,
      List<byte[]> payloads,
      CompletableFuture<StepResult> result) {
    if (stopping) {
      throw Loop.closed();
    }
    round.ifPresent(
        previous -> {
          if (!previous.isOver()) {
            throw new IllegalStateException("a round is in progress");
          }
          nextLease = previous.nextLease();
          differingBefore += previous.differing();
          previous.takeBackGradient();
        });
    if (pool.vectorSize() != parameters.size()) {
      pool = new VectorPool(parameters.size());
    }
    Ledger ledger =
        work == Reply.Work.GRADIENT
            ? Ledger.ofGradients(
                payloads.size(), nextLease, gradientTimes, config.maxLeaseLeaves(), config.mixed())
            : Ledger.ofCalls(payloads.size(), nextLease, callTimes, config.mixed());
    round =
        Optional.of(
            new Round(
                nextRound++,
                work,
                serving.whole(version, parameters),
                payloads,
                ledger,
                pool,
                loop,
                this::onReducer,
                workers.roll(),
                config.format(),
                result,
                now()));
  }

  private void handle(DriverConnection connection, Request request, RpcResponseCallback answer) {
    strangers.noMore(connection);
    if (request instanceof Request.Arrive || request instanceof Request.Attach) {
      if (connection.session() != DriverConnection.NOBODY) {
        log.warn("Closed the connection from {}: it belongs to a worker already", connection);
        connection.close();
      } else if (request instanceof Request.Arrive arrive) {
        arrive(connection, arrive.place(), answer);
      } else if (request instanceof Request.Attach attach) {
        attach(connection, attach.session(), answer);
      }
      return;
    }
    Optional<Session> sender = workers.of(connection);
    if (sender.isEmpty()) {
      answer.onSuccess(new Reply.Refused("a worker must arrive first").encode());
      return;
    }
    Session session = sender.get();
    hear(session);
    if (request instanceof Request.Poll) {
      poll(session, answer);
    } else if (request instanceof Request.Await await) {
      serving.await(session, await, answer);
    } else if (request instanceof Request.Offer offer) {
      offer(session, offer, answer);
    } else {
      answer.onSuccess(reply(session, request).encode());
    }
    dispatch();
  }

  private void arrive(DriverConnection connection, WorkerPlace place, RpcResponseCallback answer) {
    for (Session older : workers.at(place)) {
      older.control().close();
      lose(older, "it has come anew");
    }
    Session session = workers.arrive(connection, place, now());
    connection.belongsTo(session.id());
    answer.onSuccess(new Reply.Arrived(session.id()).encode());
  }

  private void attach(DriverConnection connection, long session, RpcResponseCallback answer) {
    if (workers.isHere(session)) {
      connection.belongsTo(session);
      answer.onSuccess(new Reply.Fine().encode());
    } else {
      answer.onSuccess(new Reply.Refused("no such worker").encode());
    }
  }

  private void poll(Session session, RpcResponseCallback answer) {
    if (stopping) {
      answer.onSuccess(new Reply.Stop().encode());
    } else if (!session.isRegistered()) {
      answer.onSuccess(new Reply.Refused("a worker must register first").encode());
    } else {
      session.ask(answer, now());
      serving.next().ifPresent(session::tellOf);
    }
  }

  private void offer(Session session, Request.Offer offer, RpcResponseCallback answer) {
    if (round.isEmpty()) {
      answer.onSuccess(new Reply.Drop().encode());
    } else {
      round.get().offer(session, offer, answer, now());
      countDiffering();
    }
  }

  private void countDiffering() {
    long total = differingBefore + round.map(Round::differing).orElse(0L);
    if (differing == 0 && total > 0) {
      log.warn("Two results for one micro-batch differ in bits: the run is no longer exact");
    }
    differing = total;
  }

  private Reply reply(Session session, Request request) {
    if (request instanceof Request.Register register) {
      return workers
          .register(session, register.description(), now())
          .<Reply>map(Reply.Refused::new)
          .orElseGet(Reply.Fine::new);
    } else if (request instanceof Request.Answer result) {
      round.ifPresent(current -> current.answer(session, result, now()));
      countDiffering();
    } else if (request instanceof Request.Failed failed) {
      workers.roll().failed(session.place().toString(), failed.sentence());
      log.warn("{} failed: {}", session.place(), failed.sentence());
      round.ifPresent(current -> current.failed(session, failed, now()));
    } else if (request instanceof Request.GiveBack given) {
      round.ifPresent(current -> current.giveBack(session, given.lease(), now()));
    } else if (request instanceof Request.Leave leave) {
      lose(session, leave.sentence());
    } else if (request instanceof Request.Heartbeat) {
      return stopping
          ? new Reply.Stop()
          : new Reply.Beat(round.map(last -> last.isOver() ? last.id() : last.id() - 1).orElse(0L));
    }
    return new Reply.Fine();
  }

  private void hear(Session session) {
    if (session.heard(now())) {
      log.info("{} is back", session.place());
      round.ifPresent(current -> current.heard(session, now()));
    }
  }

  private void lose(Session session, String why) {
    workers.leave(session, why, now());
    completeWhenEmpty();
    round
        .filter(current -> !current.isOver())
        .ifPresent(
            current -> {
              log.warn("{} is lost: {}", session.place(), why);
              current.lost(session, now());
              dispatch();
            });
  }

  private void completeWhenEmpty() {
    if (stopping && workers.registered().isEmpty()) {
      empty.complete(null);
    }
  }

  private void dispatch() {
    Optional<Round> current = round.filter(each -> !each.isOver());
    if (current.isEmpty()) {
      return;
    }
    for (Session session : workers.all()) {
      if (session.asks()) {
        var grant = current.get().grant(session, workers.expected(), now());
        if (grant.isEmpty()) {
          return;
        }
        session.answerPoll(grant.get());
      }
    }
  }

  private void tick() {
    long now = now();
    Workers.Changes changes = workers.look(now);
    round.ifPresent(
        current -> {
          changes.silent().forEach(session -> current.silent(session, now));
          current.tick(workers.someAsk(), now);
        });
    for (Session session : changes.forgotten()) {
      session.control().close();
      lose(session, "it was silent for too long");
    }
    strangers.look(now);
    boolean roundWaits = round.filter(current -> !current.isOver()).isPresent();
    workers
        .nobody(roundWaits, now)
        .ifPresent(failure -> round.ifPresent(current -> current.fail(failure)));
    dispatch();
  }

  private void failed(Throwable e) {
    log.error("The aggregator failed", e);
    round.ifPresent(
        current ->
            current.fail(
                new CollimateException(
                    CollimateException.Kind.INTERNAL, "the aggregator failed: " + e, e)));
  }

  private static long now() {
    return System.nanoTime();
  }
}
