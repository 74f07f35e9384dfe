package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.aggregate.Ledger.Lease;
import dev.collimate.aggregate.Ledger.Ruling;
import dev.collimate.aggregate.Ledger.Verdict;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.GradientTree;
import dev.collimate.parameters.TreeNode;
import dev.collimate.parameters.VectorPool;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Drives the ledger and the tree through seeded schedules with lost, frozen, slow, failing and
 * returning workers, broken uploads, results offered again or too late, and drivers that begin the
 * round anew, in simulated time. Run one alone with {@code -Dcollimate.seed}.
 */
class LedgerSimulationTest {

  private static final int SCHEDULES_PER_TEST = 250;

  static LongStream firstSeeds() {
    String seed = System.getProperty("collimate.seed");
    return seed == null
        ? LongStream.range(0, 16).map(i -> i * SCHEDULES_PER_TEST)
        : LongStream.of(Long.parseLong(seed));
  }

  @ParameterizedTest
  @MethodSource("firstSeeds")
  void everyScheduleEndsWithTheReferenceBits(long firstSeed) {
    int count = System.getProperty("collimate.seed") == null ? SCHEDULES_PER_TEST : 1;
    for (long seed = firstSeed; seed < firstSeed + count; seed++) {
      new Schedule(seed, /* countsTwice= */ false).run();
    }
  }

  /** Were the ledger to take a result twice, the check above would see it. */
  @Test
  void aPlantedDoubleCountIsCaughtWithItsSeed() {
    assertThatThrownBy(() -> new Schedule(17, /* countsTwice= */ true).run())
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("seed 17: a leaf is counted twice");
  }

  /** One round, its workers and its clock. */
  private static final class Schedule {
    private static final long TICK = 200_000_000L;
    private static final int MOST_EVENTS = 100_000;

    private record Event(long at, long order, Runnable what) {}

    private static final class Worker {
      private final long id;
      private boolean gone;
      private boolean frozen;
      private boolean asking;
      private boolean computing;
      private int outstanding;
      private final int slowness;
      private final List<Runnable> heldBack = new ArrayList<>();

      private Worker(long id, int slowness) {
        this.id = id;
        this.slowness = slowness;
      }
    }

    private final long seed;
    private final SplittableRandom random;
    private final int leaves;
    private final boolean countsTwice;
    private final LeafTimes times = new LeafTimes(8, 1);
    private VectorPool pool = new VectorPool(3);
    private GradientTree tree;
    private Ledger ledger;
    private final PriorityQueue<Event> events =
        new PriorityQueue<>(
            (a, b) -> a.at != b.at ? Long.compare(a.at, b.at) : Long.compare(a.order, b.order));
    private final List<Worker> workers = new ArrayList<>();
    private final Map<Long, Worker> offering = new HashMap<>();
    private final Map<Long, FlatVector> incoming = new HashMap<>();
    private final Set<Integer> counted = new HashSet<>();
    private final double trouble;
    private final List<ResultHash> leafHashes = new ArrayList<>();
    private long now;
    private long order;
    private long nextWorker = 1;
    private int begun = 1;

    private Schedule(long seed, boolean countsTwice) {
      this.seed = seed;
      this.countsTwice = countsTwice;
      this.random = new SplittableRandom(seed);
      this.leaves = 1 + random.nextInt(random.nextInt(4) == 0 ? 200 : 24);
      this.trouble = random.nextInt(3) == 0 ? 0 : random.nextDouble() * 0.4;
      for (int leaf = 0; leaf < leaves; leaf++) {
        leafHashes.add(hash(reference(new TreeNode(leaf, leaf + 1))));
      }
      this.tree = new GradientTree(TreeNode.root(leaves), pool);
      this.ledger = ledgerFrom(100);
    }

    private Ledger ledgerFrom(long firstLease) {
      return Ledger.ofGradients(leaves, firstLease, times, 16, /* mixed= */ false);
    }

    private void run() {
      int count = 1 + random.nextInt(random.nextInt(3) == 0 ? 40 : 6);
      for (int i = 0; i < count; i++) {
        after(random.nextInt(1000) * 1_000_000L, this::join);
      }
      after(TICK, this::tick);
      if (trouble > 0 && random.nextInt(4) == 0) {
        after(random.nextInt(5_000) * 1_000_000L, () -> beginAnew(random.nextBoolean()));
      }
      int handled = 0;
      while (!ledger.isComplete()) {
        Event event = events.poll();
        now = event.at;
        event.what.run();
        check(ledger.buffers() <= ledger.bufferLimit(), "the ledger promises too many buffers");
        check(pool.lent() <= ledger.bufferLimit(), "too many buffers are held");
        check(++handled < MOST_EVENTS, "the round does not end");
      }
      check(counted.size() == leaves, "not every leaf is counted");
      FlatVector expected = reference(TreeNode.root(leaves));
      assertThat(hash(tree.takeRoot())).as("seed %d", seed).isEqualTo(hash(expected));
    }

    /**
     * The round is begun again: by a driver that resumed from its last checkpoint, to which all
     * workers come anew, or after a failure, and then results of the earlier round come late.
     */
    private void beginAnew(boolean newDriver) {
      begun++;
      List<Worker> offered = List.copyOf(offering.values());
      offering.clear();
      incoming.clear();
      counted.clear();
      pool = new VectorPool(3);
      tree = new GradientTree(TreeNode.root(leaves), pool);
      ledger = ledgerFrom(ledger.nextLease());
      if (newDriver) {
        for (Worker worker : workers) {
          worker.gone = true;
          after((500 + random.nextInt(4000)) * 1_000_000L, this::join);
        }
        workers.clear();
      } else {
        for (Worker worker : offered) {
          worker.outstanding--;
          after(1, () -> whenAwake(worker, () -> ask(worker)));
        }
        dispatch();
      }
    }

    private void join() {
      Worker worker = new Worker(nextWorker++, random.nextInt(3) == 0 ? 1 + random.nextInt(40) : 1);
      workers.add(worker);
      ask(worker);
    }

    private void ask(Worker worker) {
      if (!worker.gone && !worker.computing && worker.outstanding < 2) {
        worker.asking = true;
        dispatch();
      }
    }

    private void dispatch() {
      for (Worker worker : List.copyOf(workers)) {
        if (worker.asking && !worker.gone) {
          var lease = ledger.lease(worker.id, workers.size(), now);
          if (lease.isEmpty()) {
            return;
          }
          worker.asking = false;
          worker.computing = true;
          misfortune(worker);
          long slow = random.nextDouble() < trouble / 4 ? 100 : 1;
          long time =
              (50 + random.nextInt(200))
                  * 1_000_000L
                  * lease.get().node().leaves()
                  * worker.slowness
                  * slow;
          after(time, () -> whenAwake(worker, () -> finished(worker, lease.get())));
        }
      }
    }

    /** Some workers die or freeze while they compute. */
    private void misfortune(Worker worker) {
      double draw = random.nextDouble();
      if (draw < trouble / 3) {
        after(random.nextInt(400) * 1_000_000L, () -> die(worker));
      } else if (draw < trouble / 2) {
        after(random.nextInt(300) * 1_000_000L, () -> freeze(worker));
      }
    }

    private void die(Worker worker) {
      if (worker.gone) {
        return;
      }
      worker.gone = true;
      worker.asking = false;
      workers.remove(worker);
      breakUploads(worker);
      offering.values().removeIf(other -> other == worker);
      ledger.lost(worker.id);
      settle();
      dispatch();
      if (workers.isEmpty() || random.nextInt(3) > 0) {
        after((500 + random.nextInt(4000)) * 1_000_000L, this::join);
      }
    }

    private void freeze(Worker worker) {
      if (worker.gone || worker.frozen) {
        return;
      }
      worker.frozen = true;
      after(
          5_000_000_000L,
          () -> {
            if (worker.frozen && !worker.gone) {
              breakUploads(worker);
              ledger.silent(worker.id);
              settle();
              dispatch();
            }
          });
      after((1 + random.nextInt(20)) * 1_000_000_000L, () -> thaw(worker));
    }

    private void thaw(Worker worker) {
      worker.frozen = false;
      if (!worker.gone) {
        ledger.heard(worker.id);
        settle();
        List<Runnable> todo = List.copyOf(worker.heldBack);
        worker.heldBack.clear();
        todo.forEach(Runnable::run);
      }
    }

    private void finished(Worker worker, Lease lease) {
      worker.computing = false;
      if (random.nextDouble() < trouble / 8) {
        // It has failed, or its parameters did not come.
        ledger.giveBack(lease.id());
        settle();
        dispatch();
      } else {
        worker.outstanding++;
        offer(worker, lease);
      }
      ask(worker);
    }

    private void offer(Worker worker, Lease lease) {
      if (!ledger.isComputing(lease.id())) {
        int before = ledger.buffers();
        check(ledger.offer(lease.id(), List.of(), 0.2).isEmpty(), "a late offer is compared");
        check(ledger.buffers() == before, "a late offer gets room");
        worker.outstanding--;
        ask(worker);
        return;
      }
      offering.put(lease.id(), worker);
      List<ResultHash> hashes = new ArrayList<>();
      for (int leaf = lease.node().from(); leaf < lease.node().to(); leaf++) {
        hashes.add(leafHashes.get(leaf));
      }
      check(ledger.offer(lease.id(), hashes, 0.2).isEmpty(), "equal results conflict");
      settle();
    }

    private void settle() {
      ledger.settle().forEach(this::rule);
    }

    private void rule(Ruling ruling) {
      Worker worker = offering.remove(ruling.lease());
      if (ruling.verdict() == Verdict.DROP) {
        worker.outstanding--;
        after(1, () -> whenAwake(worker, () -> ask(worker)));
        return;
      }
      Lease lease = ledger.find(ruling.lease()).orElseThrow();
      FlatVector buffer = pool.take();
      incoming.put(lease.id(), buffer);
      boolean breaks = random.nextDouble() < trouble / 3;
      boolean offersAgain = random.nextDouble() < trouble / 3;
      after(
          (5 + random.nextInt(80)) * 1_000_000L,
          () ->
              whenAwake(
                  worker,
                  () -> {
                    if (offersAgain) {
                      breakUpload(lease.id(), buffer);
                      offer(worker, lease);
                    } else {
                      uploaded(worker, lease, buffer, breaks);
                    }
                  }));
    }

    /**
     * Also where the driver has not noticed that the upload broke, until its worker offers anew.
     */
    private void breakUpload(long lease, FlatVector buffer) {
      if (incoming.remove(lease, buffer)) {
        pool.giveBack(buffer);
        ledger.broken(lease);
      }
    }

    private void uploaded(Worker worker, Lease lease, FlatVector buffer, boolean breaks) {
      if (incoming.get(lease.id()) != buffer) {
        offer(worker, lease);
      } else if (breaks) {
        breakUpload(lease.id(), buffer);
        settle();
        offer(worker, lease);
      } else {
        incoming.remove(lease.id());
        worker.outstanding--;
        fill(lease.node(), buffer);
        ledger.received(lease.id());
        settle();
        ledger.pushed(0.1);
        int round = begun;
        after((1 + random.nextInt(30)) * 1_000_000L, () -> merge(lease, buffer, round));
        ask(worker);
      }
    }

    private void merge(Lease lease, FlatVector buffer, int round) {
      if (round != begun) {
        return;
      }
      if (countsTwice) {
        counted.add(lease.node().from());
      }
      for (int leaf = lease.node().from(); leaf < lease.node().to(); leaf++) {
        check(counted.add(leaf), "a leaf is counted twice");
      }
      tree.put(lease.node(), buffer);
      ledger.merged(lease.id());
      settle();
    }

    private void breakUploads(Worker worker) {
      for (long id : List.copyOf(incoming.keySet())) {
        if (ledger.find(id).orElseThrow().worker() == worker.id) {
          breakUpload(id, incoming.get(id));
        }
      }
    }

    private void tick() {
      ledger.overdue(now);
      ledger.unblock(workers.stream().anyMatch(worker -> worker.asking)).ifPresent(this::rule);
      settle();
      dispatch();
      after(TICK, this::tick);
    }

    private void whenAwake(Worker worker, Runnable what) {
      if (worker.frozen) {
        worker.heldBack.add(what);
      } else if (!worker.gone) {
        what.run();
      }
    }

    private void after(long nanos, Runnable what) {
      events.add(new Event(now + nanos, order++, what));
    }

    private void check(boolean holds, String otherwise) {
      assertThat(holds).as("seed %d: %s", seed, otherwise).isTrue();
    }

    private void fill(TreeNode node, FlatVector into) {
      into.copyFrom(reference(node));
    }

    private FlatVector reference(TreeNode node) {
      if (node.isLeaf()) {
        Random values = new Random(seed * 7919 + node.from());
        FlatVector leaf = new FlatVector(3);
        for (int i = 0; i < 3; i++) {
          leaf.set(i, (values.nextFloat() - 0.5f) * (1 << values.nextInt(20)));
        }
        return leaf;
      }
      FlatVector left = reference(node.left());
      left.add(reference(node.right()));
      return left;
    }

    private static ResultHash hash(FlatVector vector) {
      return ResultHash.of(vector, new byte[0]);
    }
  }
}
