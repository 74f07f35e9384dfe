package dev.collimate.aggregate;

import dev.collimate.CollimateException;
import dev.collimate.aggregate.DriverLink.BrokenException;
import dev.collimate.aggregate.DriverLink.StoppedException;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.GradientTree;
import dev.collimate.parameters.TreeNode;
import dev.collimate.parameters.VectorPool;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The executor's side: arrives, makes its task, registers, asks for work, computes and sends, until
 * told to stop. {@link #run} works on the caller's thread; heartbeats and sending have their own.
 */
final class WorkerClient {

  private static final Logger log = LoggerFactory.getLogger(WorkerClient.class);
  private static final int CONNECTIONS = 2;
  private static final int RECONNECTS = 8;
  private static final int PULLS = 5;
  private static final long FIRST_PAUSE_MILLIS = 200;
  private static final long LONGEST_PAUSE_MILLIS = 5_000;

  private final Endpoint endpoint;
  private final WorkerTaskFactory tasks;
  private final WorkerPlace place;
  private final SparkTransport transport;
  private final BooleanSupplier killed;
  private WorkerTask task;
  private int failures;
  private int failedPulls;
  private double prefetchSeconds;
  private long version = Long.MIN_VALUE;
  private FlatVector parameters = new FlatVector(0);
  private VectorPool pool = new VectorPool(0);

  /**
   * @param killed asked several times a second; the client ends soon after it is true
   */
  WorkerClient(
      Endpoint endpoint,
      WorkerTaskFactory tasks,
      WorkerPlace place,
      SparkTransport transport,
      BooleanSupplier killed) {
    this.endpoint = endpoint;
    this.tasks = tasks;
    this.place = place;
    this.transport = transport;
    this.killed = killed;
  }

  /** Works until there is a reason to end, and says which. */
  WorkerEnd run() {
    String last = "";
    try {
      for (failures = 0; failures < RECONNECTS; failures++) {
        pause(failures);
        try (DriverLink link = new DriverLink(endpoint, transport, CONNECTIONS, killed)) {
          link.connect(place);
          return serve(link);
        } catch (BrokenException e) {
          last = e.getMessage();
          log.warn("{}: {}", place, last);
        }
      }
      return new WorkerEnd(WorkerEnd.Why.DRIVER_GONE, last);
    } catch (CollimateException e) {
      return new WorkerEnd(WorkerEnd.Why.REFUSED, e.getMessage());
    } catch (StoppedException e) {
      return new WorkerEnd(WorkerEnd.Why.KILLED, "the Spark task was killed");
    } finally {
      if (task != null) {
        task.close();
      }
    }
  }

  private WorkerEnd serve(DriverLink link) throws BrokenException, StoppedException {
    try (Heart heart = new Heart(link);
        Outbox outbox = new Outbox(link, killed)) {
      heart.start();
      if (task == null) {
        task = tasks.create(place);
      }
      Reply welcome = link.call(new Request.Register(task.describe()));
      if (welcome instanceof Reply.Refused refused) {
        return new WorkerEnd(WorkerEnd.Why.REFUSED, refused.sentence());
      }
      failures = 0;
      failedPulls = 0;
      while (true) {
        outbox.awaitRoom();
        Reply reply = link.call(new Request.Poll());
        if (reply instanceof Reply.Stop) {
          leave(link);
          return new WorkerEnd(WorkerEnd.Why.STOPPED, "");
        } else if (reply instanceof Reply.Grant grant) {
          work(link, heart, outbox, grant);
        } else if (reply instanceof Reply.Prefetch next) {
          prefetch(link, next);
        } else if (!(reply instanceof Reply.Fine)) {
          throw new BrokenException("the driver answers " + reply, null);
        }
      }
    } catch (BrokenException | StoppedException e) {
      throw e;
    } catch (Exception | LinkageError | OutOfMemoryError | StackOverflowError e) {
      log.error("The worker's task failed", e);
      link.call(new Request.Leave(sentence(e)));
      return task == null && FailedStarts.isFinal(e)
          ? new WorkerEnd(WorkerEnd.Why.UNFIT, place + ": " + sentence(e))
          : new WorkerEnd(WorkerEnd.Why.FAILED, sentence(e));
    }
  }

  private void leave(DriverLink link) throws StoppedException {
    try {
      link.call(new Request.Leave("told to stop"));
    } catch (BrokenException e) {
      log.debug("The driver was gone before it could answer", e);
    }
  }

  private void work(DriverLink link, Heart heart, Outbox outbox, Reply.Grant grant)
      throws BrokenException, StoppedException {
    long begin = System.nanoTime();
    if (!prepare(link, grant)) {
      link.call(new Request.GiveBack(grant.lease()));
      if (++failedPulls == PULLS) {
        throw new BrokenException("the parameters did not come in " + PULLS + " tries", null);
      }
      return;
    }
    failedPulls = 0;
    double pullSeconds = (System.nanoTime() - begin) / 1e9 + prefetchSeconds;
    prefetchSeconds = 0;
    try {
      if (grant.work() == Reply.Work.CALL) {
        long start = System.nanoTime();
        byte[] result = task.call(grant.payloads().get(0));
        link.call(
            new Request.Answer(
                grant.lease(), result, (System.nanoTime() - start) / 1e9, pullSeconds));
      } else {
        gradient(heart, outbox, grant, pullSeconds);
      }
    } catch (RuntimeException | LinkageError | OutOfMemoryError | StackOverflowError e) {
      CollimateException.Kind kind =
          e instanceof CollimateException failure
              ? failure.kind()
              : CollimateException.Kind.INTERNAL;
      link.call(new Request.Failed(grant.lease(), kind, sentence(e)));
      if (!ofTheUser(kind)) {
        // Who knows what state such a failure leaves behind: a fresh task takes over.
        throw e;
      }
    }
  }

  /** Pulls the next version while the driver computes it; a grant pulls what did not come. */
  private void prefetch(DriverLink link, Reply.Prefetch next)
      throws BrokenException, StoppedException {
    long begin = System.nanoTime();
    makeRoom(next.size());
    version = Long.MIN_VALUE;
    if (link.prefetch(next.version(), parameters)) {
      task.parameters(next.version(), parameters);
      version = next.version();
    }
    prefetchSeconds = (System.nanoTime() - begin) / 1e9;
  }

  private void makeRoom(long size) {
    if (parameters.size() != size) {
      parameters = new FlatVector(size);
      pool = new VectorPool(size);
      version = Long.MIN_VALUE;
    }
  }

  /** Sees to it that the grant's parameters are there; false where the driver has moved on. */
  private boolean prepare(DriverLink link, Reply.Grant grant)
      throws BrokenException, StoppedException {
    makeRoom(grant.size());
    if (version != grant.version()) {
      version = Long.MIN_VALUE;
      if (!link.pull(grant.version(), parameters)) {
        return false;
      }
      task.parameters(grant.version(), parameters);
      version = grant.version();
    }
    return true;
  }

  private void gradient(Heart heart, Outbox outbox, Reply.Grant grant, double pullSeconds) {
    TreeNode node = grant.node();
    VectorPool vectors = pool;
    GradientTree tree = new GradientTree(node, vectors);
    List<Request.Leaf> leaves = new ArrayList<>();
    BooleanSupplier isVoid = () -> killed.getAsBoolean() || heart.isOver(grant.round());
    long start = System.nanoTime();
    for (int leaf = node.from(); leaf < node.to(); leaf++) {
      if (isVoid.getAsBoolean()) {
        tree.discard();
        return;
      }
      FlatVector gradient = vectors.take();
      byte[] result;
      try {
        result = task.leaf(grant.payloads().get(leaf - node.from()), gradient, isVoid);
      } catch (CancellationException e) {
        log.debug("Lease {} is void", grant.lease(), e);
        vectors.giveBack(gradient);
        tree.discard();
        return;
      }
      grant.format().round(gradient);
      leaves.add(new Request.Leaf(ResultHash.of(gradient, result), result));
      tree.put(new TreeNode(leaf, leaf + 1), gradient);
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    outbox.send(
        new Request.Offer(grant.lease(), leaves, seconds, pullSeconds),
        tree.takeRoot(),
        grant.format().of(node),
        vectors);
  }

  private void pause(int attempt) throws StoppedException {
    long millis =
        attempt == 0 ? 0 : Math.min(LONGEST_PAUSE_MILLIS, FIRST_PAUSE_MILLIS << (attempt - 1));
    long end = System.nanoTime() + millis * 1_000_000;
    try {
      while (System.nanoTime() < end) {
        if (killed.getAsBoolean()) {
          throw new StoppedException();
        }
        Thread.sleep(Math.min(50, millis));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoppedException();
    }
  }

  private static boolean ofTheUser(CollimateException.Kind kind) {
    return kind == CollimateException.Kind.USAGE || kind == CollimateException.Kind.DATA;
  }

  private static String sentence(Throwable failure) {
    return failure instanceof CollimateException ? failure.getMessage() : failure.toString();
  }
}
