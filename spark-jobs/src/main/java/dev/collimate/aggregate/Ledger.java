package dev.collimate.aggregate;

import dev.collimate.aggregate.LedgerEntry.Stage;
import dev.collimate.parameters.TreeFront;
import dev.collimate.parameters.TreeNode;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Who computes what in one round, and whose result counts. Pure bookkeeping: no clock, no threads,
 * no sockets; times are nanoseconds passed in.
 *
 * <p>Work goes out as leases of exactly one tree node, lowest leaves first. A finished worker
 * offers its result; the ledger answers with a {@link Ruling}, at once or later. A result is sent
 * only after {@code SEND}, so that never more gradients are held than {@link #bufferLimit()}; of
 * those, the general ones leave room for the one that holds the lowest missing leaf, which always
 * fits in once the sums before it are merged. So the round cannot come to a stop.
 */
final class Ledger {

  /** One node given to one worker. */
  record Lease(long id, TreeNode node, long worker, long deadline) {}

  /** What becomes of an offered result. */
  enum Verdict {
    /** Send it. */
    SEND,
    /** It is not needed. */
    DROP
  }

  /** The answer to an offer. */
  record Ruling(long lease, Verdict verdict) {}

  /** Uploads of one lease that may break before somebody else gets its work. */
  private static final int BROKEN_UPLOADS = 3;

  private final TreeNode root;
  private final LeafTimes times;
  private final int maxLeaves;
  private final boolean bounded;
  private final TreeFront front;
  private final BitSet open = new BitSet();
  private final BitSet taken = new BitSet();
  private final Witnesses witnesses;
  private final Map<Long, LedgerEntry> entries = new LinkedHashMap<>();
  private final Set<Long> silent = new HashSet<>();
  private long nextLease;
  private long releases;
  private long duplicates;

  private Ledger(
      int leaves, long firstLease, LeafTimes times, int maxLeaves, boolean mixed, boolean bounded) {
    this.root = TreeNode.root(leaves);
    this.times = times;
    this.maxLeaves = maxLeaves;
    this.bounded = bounded;
    this.front = new TreeFront(root);
    this.witnesses = new Witnesses(leaves, mixed);
    this.nextLease = firstLease;
    open.set(0, leaves);
  }

  /**
   * A round that sums gradients.
   *
   * @param leaves of the step
   * @param firstLease id of the first lease; ids never repeat over rounds
   * @param maxLeaves of a lease
   * @param mixed whether differing results are counted instead of fatal
   */
  static Ledger ofGradients(
      int leaves, long firstLease, LeafTimes times, int maxLeaves, boolean mixed) {
    return new Ledger(leaves, firstLease, times, maxLeaves, mixed, /* bounded= */ true);
  }

  /** A round of single calls, whose small results need no bound. */
  static Ledger ofCalls(int calls, long firstLease, LeafTimes times, boolean mixed) {
    return new Ledger(calls, firstLease, times, 1, mixed, /* bounded= */ false);
  }

  /**
   * The next work for a worker: the largest open node at the lowest open leaf that leaves every
   * worker at least another lease of this size, or which is worth its push: {@link
   * LeafTimes#lease}.
   *
   * @param workers how many take part now
   */
  Optional<Lease> lease(long worker, int workers, long now) {
    int first = open.nextSetBit(0);
    if (first < 0) {
      return Optional.empty();
    }
    int target = Math.min(maxLeaves, times.lease(open.cardinality(), root.leaves(), workers));
    TreeNode node = root;
    while (node.from() != first || node.leaves() > target || open.nextClearBit(first) < node.to()) {
      node = first < node.left().to() ? node.left() : node.right();
    }
    open.clear(node.from(), node.to());
    Lease lease = new Lease(nextLease++, node, worker, now + times.allowance(node.leaves()));
    entries.put(lease.id, new LedgerEntry(lease));
    return Optional.of(lease);
  }

  /** A sum took so long to come in. */
  void pushed(double seconds) {
    times.pushed(seconds);
  }

  /** Whether the lease's worker still has to offer its result, for the first time or again. */
  boolean isComputing(long id) {
    LedgerEntry entry = entries.get(id);
    return entry != null && entry.stage == Stage.GRANTED;
  }

  /** The lease, while its result is still wanted or at least comparable. */
  Optional<Lease> find(long id) {
    return Optional.ofNullable(entries.get(id)).map(entry -> entry.lease);
  }

  /**
   * A worker has finished a lease. The ruling comes from {@link #settle()}.
   *
   * @param hashes one per leaf
   * @return a leaf that has been seen with other bits, unless mixed
   */
  Optional<Witnesses.Conflict> offer(long id, List<ResultHash> hashes, double secondsPerLeaf) {
    LedgerEntry entry = entries.get(id);
    if (entry == null || entry.stage != Stage.GRANTED) {
      return Optional.empty();
    }
    if (!entry.wasSilent) {
      // Else the time is the one it stood still, and the deadlines to come would follow it.
      times.measured(secondsPerLeaf);
    }
    entry.stage = Stage.OFFERED;
    return witnesses.compare(entry.lease.node().from(), hashes, entry.lease.worker());
  }

  /** Rulings that can be given now, lowest leaves first. To be asked for after every change. */
  List<Ruling> settle() {
    List<LedgerEntry> offered =
        offered().sorted(Comparator.comparingInt(entry -> entry.lease.node().from())).toList();
    List<Ruling> rulings = new ArrayList<>();
    for (LedgerEntry entry : offered) {
      TreeNode node = entry.lease.node();
      if (isTaken(node)) {
        drop(entry);
        duplicates += node.leaves();
        rulings.add(new Ruling(entry.lease.id(), Verdict.DROP));
      } else if (!overlapsSending(node) && hasRoom(node)) {
        entry.stage = Stage.SENDING;
        entry.released = false;
        open.clear(node.from(), node.to());
        rulings.add(new Ruling(entry.lease.id(), Verdict.SEND));
      }
    }
    return rulings;
  }

  /**
   * Where every result that waits would have to wait for ever, the highest of them is given up and
   * its leaves opened again, so that its worker asks for the missing leaf.
   *
   * @param workersAsk whether some worker asks for work at the moment
   */
  Optional<Ruling> unblock(boolean workersAsk) {
    if (workersAsk || open.isEmpty()) {
      return Optional.empty();
    }
    boolean moving =
        entries.values().stream()
            .anyMatch(
                entry ->
                    entry.stage == Stage.SENDING
                        || entry.stage == Stage.RECEIVED
                        || (entry.stage == Stage.GRANTED && !entry.released));
    if (moving) {
      return Optional.empty();
    }
    Optional<LedgerEntry> highest =
        offered().max(Comparator.comparingInt(entry -> entry.lease.node().from()));
    highest.ifPresent(this::drop);
    return highest.map(entry -> new Ruling(entry.lease.id(), Verdict.DROP));
  }

  /** The result of a lease that was told to send is here, whole. */
  void received(long id) {
    LedgerEntry entry = require(id, Stage.SENDING);
    entry.stage = Stage.RECEIVED;
    taken.set(entry.lease.node().from(), entry.lease.node().to());
    open.clear(entry.lease.node().from(), entry.lease.node().to());
  }

  /** The received result has been added to the tree. */
  void merged(long id) {
    LedgerEntry entry = require(id, Stage.RECEIVED);
    entries.remove(id);
    front.fill(entry.lease.node());
  }

  /**
   * Sending broke off; the worker may offer again while its lease lasts, but not for ever: a result
   * that does not come through again and again is somebody else's to compute.
   */
  void broken(long id) {
    LedgerEntry entry = entries.get(id);
    if (entry != null && entry.stage == Stage.SENDING) {
      entry.stage = Stage.GRANTED;
      entry.broken++;
      if (entry.broken == BROKEN_UPLOADS) {
        giveBack(id);
      }
    }
  }

  /**
   * The worker is gone for good: all that it held and had not delivered is open again.
   *
   * @return what it was computing
   */
  List<Lease> lost(long worker) {
    List<LedgerEntry> held = held(worker);
    for (LedgerEntry entry : held) {
      entries.remove(entry.lease.id());
      reopen(entry);
    }
    return held.stream()
        .filter(entry -> entry.stage == Stage.GRANTED)
        .map(entry -> entry.lease)
        .toList();
  }

  /**
   * The worker gives the lease back, say after a failure.
   *
   * @return whether there was something to give back; a result that is here stays
   */
  boolean giveBack(long id) {
    LedgerEntry entry = entries.get(id);
    if (entry == null || entry.stage == Stage.RECEIVED) {
      return false;
    }
    entries.remove(id);
    reopen(entry);
    return true;
  }

  /**
   * The worker is silent: others may have its work, but a late result is still welcome. What it was
   * sending must have been {@link #broken} before.
   */
  void silent(long worker) {
    silent.add(worker);
    for (LedgerEntry entry : held(worker)) {
      entry.wasSilent = true;
      release(entry);
    }
  }

  /** The silent worker has spoken again. */
  void heard(long worker) {
    silent.remove(worker);
  }

  /** Releases what is overdue; returns the leases released. */
  List<Lease> overdue(long now) {
    List<LedgerEntry> late =
        entries.values().stream()
            .filter(entry -> entry.stage == Stage.GRANTED && !entry.released)
            .filter(entry -> entry.lease.deadline() - now < 0)
            .toList();
    late.forEach(this::release);
    return late.stream().map(entry -> entry.lease).toList();
  }

  boolean isComplete() {
    return front.isComplete();
  }

  /** Sums and results held, under way or promised room. */
  int buffers() {
    long coming =
        entries.values().stream()
            .filter(entry -> entry.stage == Stage.SENDING || entry.stage == Stage.RECEIVED)
            .count();
    return front.size() + (int) coming;
  }

  /** {@link HeapVectors#ofDriver}. */
  int bufferLimit() {
    return HeapVectors.ofDriver(root.leaves());
  }

  /** Leaves given out a second time. */
  long releases() {
    return releases;
  }

  long duplicates() {
    return duplicates;
  }

  long differing() {
    return witnesses.differing();
  }

  long nextLease() {
    return nextLease;
  }

  private Stream<LedgerEntry> offered() {
    return entries.values().stream()
        .filter(entry -> entry.stage == Stage.OFFERED)
        .filter(entry -> !silent.contains(entry.lease.worker()));
  }

  private boolean isTaken(TreeNode node) {
    int first = taken.nextSetBit(node.from());
    return first >= 0 && first < node.to();
  }

  private boolean overlapsSending(TreeNode node) {
    return entries.values().stream()
        .anyMatch(entry -> entry.stage == Stage.SENDING && entry.lease.node().overlaps(node));
  }

  private boolean hasRoom(TreeNode node) {
    int buffers = buffers();
    return !bounded
        || buffers < HeapVectors.depth(root.leaves()) + 2
        || (buffers < bufferLimit() && holdsLowestMissing(node));
  }

  private boolean holdsLowestMissing(TreeNode node) {
    int lowest = taken.nextClearBit(0);
    for (LedgerEntry entry : entries.values()) {
      if (entry.stage == Stage.SENDING && entry.lease.node().from() <= lowest) {
        return false;
      }
    }
    return node.from() <= lowest && lowest < node.to();
  }

  private List<LedgerEntry> held(long worker) {
    return entries.values().stream()
        .filter(entry -> entry.lease.worker() == worker && entry.stage != Stage.RECEIVED)
        .toList();
  }

  private void release(LedgerEntry entry) {
    if (!entry.released && entry.stage != Stage.RECEIVED) {
      entry.released = true;
      reopen(entry);
    }
  }

  private void drop(LedgerEntry entry) {
    entries.remove(entry.lease.id());
    for (int leaf = entry.lease.node().from(); leaf < entry.lease.node().to(); leaf++) {
      openIfMissing(leaf);
    }
  }

  private void reopen(LedgerEntry entry) {
    for (int leaf = entry.lease.node().from(); leaf < entry.lease.node().to(); leaf++) {
      if (openIfMissing(leaf)) {
        releases++;
      }
    }
  }

  private boolean openIfMissing(int leaf) {
    if (taken.get(leaf)
        || open.get(leaf)
        || entries.values().stream().anyMatch(entry -> entry.claims(leaf))) {
      return false;
    }
    open.set(leaf);
    return true;
  }

  private LedgerEntry require(long id, Stage stage) {
    LedgerEntry entry = entries.get(id);
    if (entry == null || entry.stage != stage) {
      throw new IllegalStateException(
          "lease " + id + " is " + (entry == null ? "gone" : entry.stage) + ", not " + stage);
    }
    return entry;
  }
}
