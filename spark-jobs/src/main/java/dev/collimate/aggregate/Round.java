package dev.collimate.aggregate;

import dev.collimate.CollimateException;
import dev.collimate.aggregate.Ledger.Lease;
import dev.collimate.aggregate.Ledger.Ruling;
import dev.collimate.aggregate.Ledger.Verdict;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.GradientTree;
import dev.collimate.parameters.TreeNode;
import dev.collimate.parameters.VectorPool;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.client.StreamCallbackWithID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One step or one map in progress. All methods run on the aggregator's thread, but for {@link
 * #upload}; sums run on the reducer's.
 */
final class Round {

  private static final Logger log = LoggerFactory.getLogger(Round.class);

  private static final int ADDING_THREADS = Math.min(4, Runtime.getRuntime().availableProcessors());

  private record Offered(Request.Offer offer, long session, RpcResponseCallback callback) {}

  private final long id;
  private final Reply.Work work;
  private final Served served;
  private final List<byte[]> payloads;
  private final Ledger ledger;
  private final VectorPool pool;
  private final GradientTree tree;
  private final Executor loop;
  private final Executor reducer;
  private final WorkerRoll roll;
  private final GradientFormat format;
  private final RoundTally tally;
  private final byte[][] results;
  private final Map<Long, Offered> waiting = new HashMap<>();
  private final Map<Long, Request.Offer> sending = new HashMap<>();
  private final Map<Long, Incoming> incoming = new ConcurrentHashMap<>();
  private final Troubles troubles;
  private final CompletableFuture<StepResult> result;
  private FlatVector gradient = new FlatVector(0);

  /**
   * @param loop the aggregator's thread
   * @param reducer the thread that adds
   * @param roll names the worker of a session, and what went wrong first
   * @param format of the leaves' gradients
   * @param result completed when the round is over
   */
  Round(
      long id,
      Reply.Work work,
      Served served,
      List<byte[]> payloads,
      Ledger ledger,
      VectorPool pool,
      Executor loop,
      Executor reducer,
      WorkerRoll roll,
      GradientFormat format,
      CompletableFuture<StepResult> result,
      long now) {
    this.id = id;
    this.work = work;
    this.served = served;
    this.payloads = payloads;
    this.ledger = ledger;
    this.pool = pool;
    this.tree = new GradientTree(TreeNode.root(payloads.size()), pool, ADDING_THREADS);
    this.loop = loop;
    this.reducer = reducer;
    this.roll = roll;
    this.troubles = new Troubles(roll);
    this.format = format;
    this.result = result;
    this.tally = new RoundTally(now);
    this.results = new byte[payloads.size()][];
  }

  long id() {
    return id;
  }

  boolean isOver() {
    return result.isDone();
  }

  long nextLease() {
    return ledger.nextLease();
  }

  /** Results so far that differed from the first of their leaf. */
  long differing() {
    return ledger.differing();
  }

  /** The caller of the finished round has no more use for the sum it was handed. */
  void takeBackGradient() {
    if (work == Reply.Work.GRADIENT && result.isDone() && !result.isCompletedExceptionally()) {
      pool.giveBack(gradient);
    }
  }

  Optional<Reply.Grant> grant(Session session, int workers, long now) {
    return ledger
        .lease(session.id(), workers, now)
        .map(
            lease ->
                new Reply.Grant(
                    lease.id(),
                    id,
                    work,
                    format,
                    served.version(),
                    served.values().size(),
                    lease.node(),
                    payloads.subList(lease.node().from(), lease.node().to())));
  }

  void offer(Session session, Request.Offer offer, RpcResponseCallback callback, long now) {
    Optional<Lease> lease = held(session, offer.lease());
    if (isOver() || work != Reply.Work.GRADIENT || lease.isEmpty()) {
      callback.onSuccess(new Reply.Drop().encode());
      return;
    }
    Incoming stale = incoming.get(offer.lease());
    if (stale != null) {
      // Its streams broke on the worker's side, which is heard of here late or not at all.
      breakUpload(stale, "its worker offers the result again");
    }
    if (!ledger.isComputing(offer.lease())) {
      callback.onSuccess(new Reply.Drop().encode());
      settle(now);
      return;
    }
    int leaves = lease.get().node().leaves();
    if (offer.leaves().size() != leaves) {
      callback.onSuccess(
          new Reply.Refused("a lease of " + leaves + " leaves has so many results").encode());
      return;
    }
    List<ResultHash> hashes = offer.leaves().stream().map(Request.Leaf::hash).toList();
    waiting.put(offer.lease(), new Offered(offer, session.id(), callback));
    tally.measured(session.place(), offer.computeSeconds(), offer.pullSeconds());
    ledger
        .offer(offer.lease(), hashes, offer.computeSeconds() / leaves)
        .ifPresent(this::failOnConflict);
    settle(now);
  }

  /** Takes the result of a call, or drops it where it is there already. */
  void answer(Session session, Request.Answer answer, long now) {
    Optional<Lease> lease = held(session, answer.lease());
    if (isOver() || work != Reply.Work.CALL || lease.isEmpty()) {
      return;
    }
    int slot = lease.get().node().from();
    ResultHash hash = ResultHash.of(new FlatVector(0), answer.result());
    tally.measured(session.place(), answer.computeSeconds(), answer.pullSeconds());
    ledger
        .offer(answer.lease(), List.of(hash), answer.computeSeconds())
        .ifPresent(this::failOnConflict);
    for (Ruling ruling : ledger.settle()) {
      if (ruling.verdict() == Verdict.SEND) {
        results[slot] = answer.result();
        tally.taken(session.place(), 1);
        ledger.received(ruling.lease());
        ledger.merged(ruling.lease());
      }
    }
    finishIfComplete(now);
  }

  void failed(Session session, Request.Failed failed, long now) {
    Optional<Lease> lease = held(session, failed.lease());
    if (isOver() || lease.isEmpty() || !takeBack(failed.lease(), "the worker has failed")) {
      return;
    }
    troubles.failed(lease.get().node(), session.place(), failed, now).ifPresent(this::fail);
    settle(now);
  }

  void giveBack(Session session, long lease, long now) {
    if (!isOver()
        && held(session, lease).isPresent()
        && takeBack(lease, "the worker gave the lease back")) {
      settle(now);
    }
  }

  /**
   * Ends a lease that its worker holds: its upload, the wait for its offer's answer, its claim.
   *
   * @return whether the worker held it still; a result that is here stays
   */
  private boolean takeBack(long lease, String why) {
    Incoming place = incoming.get(lease);
    if (place != null) {
      breakUpload(place, why);
    }
    Offered offered = waiting.remove(lease);
    if (offered != null) {
      offered.callback.onSuccess(new Reply.Drop().encode());
    }
    return ledger.giveBack(lease) || place != null;
  }

  void lost(Session session, long now) {
    breakUploads(session, "the worker is lost");
    waiting.values().removeIf(offered -> offered.session == session.id());
    for (Lease lease : ledger.lost(session.id())) {
      troubles.lost(lease.node(), session.place(), now).ifPresent(this::fail);
    }
    settle(now);
  }

  void silent(Session session, long now) {
    breakUploads(session, "the worker is silent");
    ledger.silent(session.id());
    settle(now);
  }

  void heard(Session session, long now) {
    ledger.heard(session.id());
    settle(now);
  }

  /** Overdue leases, stalled uploads, results that would wait for ever. */
  void tick(boolean workersAsk, long now) {
    if (isOver()) {
      return;
    }
    for (Lease late : ledger.overdue(now)) {
      log.warn(
          "{} is late with micro-batches {} of round {}: they are given out again",
          roll.place(late.worker()),
          late.node(),
          id);
    }
    for (Incoming place : incoming.values()) {
      if (place.isTooSlow(now)) {
        log.warn("An upload from {} hardly moves", roll.place(place.session()));
        breakUpload(place, "the upload hardly moves");
      }
    }
    ledger.unblock(workersAsk).ifPresent(ruling -> rule(ruling, now));
    settle(now);
  }

  /** Called on network threads. */
  Optional<StreamCallbackWithID> upload(long session, long lease, int from, int to) {
    Incoming place = incoming.get(lease);
    if (place == null || place.session() != session) {
      return Optional.empty();
    }
    return place.open(from, to, this::uploadEnded).map(receiver -> receiver);
  }

  void fail(CollimateException failure) {
    if (!isOver()) {
      end();
      result.completeExceptionally(failure);
    }
  }

  private Optional<Lease> held(Session session, long lease) {
    return ledger.find(lease).filter(found -> found.worker() == session.id());
  }

  private void settle(long now) {
    if (!isOver()) {
      ledger.settle().forEach(ruling -> rule(ruling, now));
    }
  }

  private void rule(Ruling ruling, long now) {
    Offered offered = waiting.remove(ruling.lease());
    if (ruling.verdict() == Verdict.DROP) {
      offered.callback.onSuccess(new Reply.Drop().encode());
    } else {
      sending.put(ruling.lease(), offered.offer);
      GradientFormat onWire = format.of(ledger.find(ruling.lease()).orElseThrow().node());
      incoming.put(
          ruling.lease(), new Incoming(ruling.lease(), offered.session, pool.take(), onWire, now));
      offered.callback.onSuccess(new Reply.Send().encode());
    }
  }

  /** On a network thread. */
  private void uploadEnded(Incoming place, int from, int to, String fault) {
    loop.execute(
        () -> {
          if (incoming.get(place.lease()) != place) {
            return;
          }
          if (!fault.isEmpty()) {
            log.warn("An upload from {} failed: {}", roll.place(place.session()), fault);
            breakUpload(place, fault);
            settle(System.nanoTime());
          } else if (place.arrived(from, to)) {
            received(place, System.nanoTime());
          }
        });
  }

  private void received(Incoming place, long now) {
    Lease lease = ledger.find(place.lease()).orElseThrow();
    Request.Offer offer = sending.remove(place.lease());
    incoming.remove(place.lease());
    ledger.received(place.lease());
    ledger.pushed(place.seconds(now));
    tally.pushed(roll.place(place.session()), place.seconds(now));
    tally.taken(roll.place(place.session()), lease.node().leaves());
    for (int leaf = lease.node().from(); leaf < lease.node().to(); leaf++) {
      results[leaf] = offer.leaves().get(leaf - lease.node().from()).result();
    }
    settle(now);
    reducer.execute(
        () -> {
          if (isOver()) {
            pool.giveBack(place.buffer());
          } else {
            tree.put(lease.node(), place.buffer());
            loop.execute(() -> merged(lease));
          }
        });
  }

  private void merged(Lease lease) {
    if (!isOver()) {
      long now = System.nanoTime();
      ledger.merged(lease.id());
      settle(now);
      finishIfComplete(now);
    }
  }

  private void finishIfComplete(long now) {
    if (!isOver() && ledger.isComplete()) {
      if (work == Reply.Work.GRADIENT) {
        gradient = tree.takeRoot();
      }
      end();
      result.complete(
          new StepResult(gradient, Arrays.asList(results), tally.stats(ledger, pool, now)));
    }
  }

  private void end() {
    served.retire();
    new ArrayList<>(incoming.values()).forEach(place -> breakUpload(place, "the round is over"));
    waiting.values().forEach(offered -> offered.callback.onSuccess(new Reply.Drop().encode()));
    waiting.clear();
    reducer.execute(tree::discard);
  }

  private void breakUploads(Session session, String why) {
    for (Incoming place : incoming.values()) {
      if (place.session() == session.id()) {
        breakUpload(place, why);
      }
    }
  }

  private void breakUpload(Incoming place, String why) {
    place.abort(why);
    incoming.remove(place.lease());
    sending.remove(place.lease());
    ledger.broken(place.lease());
    pool.giveBack(place.buffer());
  }

  private void failOnConflict(Witnesses.Conflict conflict) {
    fail(new CollimateException(CollimateException.Kind.INTERNAL, conflict.sentence(roll::place)));
  }
}
