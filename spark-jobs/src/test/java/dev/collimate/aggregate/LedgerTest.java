package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.aggregate.Ledger.Lease;
import dev.collimate.aggregate.Ledger.Ruling;
import dev.collimate.aggregate.Ledger.Verdict;
import dev.collimate.aggregate.Witnesses.Conflict;
import dev.collimate.parameters.TreeNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class LedgerTest {

  private static final long SECOND = 1_000_000_000L;

  private final LeafTimes times = new LeafTimes(100, 5);

  @Test
  void leasesShrinkTowardsTheEnd() {
    Ledger ledger = gradients(32);
    List<Integer> sizes = new ArrayList<>();
    ledger.lease(1, 2, 0).ifPresent(lease -> sizes.add(lease.node().leaves()));
    for (var lease = ledger.lease(2, 2, 0); lease.isPresent(); lease = ledger.lease(1, 2, 0)) {
      sizes.add(lease.get().node().leaves());
    }
    assertThat(sizes).containsExactly(8, 4, 4, 4, 2, 2, 2, 1, 1, 1, 1, 1, 1);
  }

  /** A push takes as long as eight leaves here. */
  @Test
  void leasesStayAsLargeAsTheirPushIsWorthUntilAllCanEndTogether() {
    times.measured(0.5);
    times.pushed(4.0);
    Ledger ledger = gradients(32);
    List<Integer> sizes = new ArrayList<>();
    for (var lease = ledger.lease(1, 2, 0); lease.isPresent(); lease = ledger.lease(1, 2, 0)) {
      sizes.add(lease.get().node().leaves());
    }
    assertThat(sizes).containsExactly(8, 8, 8, 4, 2, 1, 1);
  }

  @Test
  void everyLeaseIsANodeOfTheTree() {
    Ledger ledger = gradients(13);
    for (var lease = ledger.lease(1, 1, 0); lease.isPresent(); lease = ledger.lease(1, 1, 0)) {
      assertThat(TreeNode.root(13).pathTo(lease.get().node())).endsWith(lease.get().node());
    }
  }

  @Test
  void whatALostWorkerHeldIsGivenOutAgain() {
    Ledger ledger = gradients(8);
    Lease held = take(ledger, 1, 1);
    assertThat(held.node()).isEqualTo(new TreeNode(0, 4));
    ledger.lost(1);
    assertThat(ledger.releases()).isEqualTo(4);
    assertThat(take(ledger, 2, 1).node()).isEqualTo(held.node());
    assertThat(ledger.find(held.id())).isEmpty();
  }

  @Test
  void aDeadlineFollowsTheSlowestLeafOfLate() {
    Ledger ledger = gradients(8);
    Lease first = take(ledger, 1, 4);
    Lease second = take(ledger, 2, 4);
    assertThat(ledger.overdue(99 * SECOND)).isEmpty();
    deliver(ledger, first, 2.0);
    // 5 s of slack and four times two seconds.
    assertThat(take(ledger, 3, 4).deadline()).isEqualTo(13 * SECOND);
    assertThat(ledger.overdue(101 * SECOND)).contains(second);
    assertThat(ledger.releases()).isEqualTo(2);
  }

  @Test
  void aLateResultCountsWhereNobodyElseWasFaster() {
    Ledger ledger = gradients(2);
    Lease slow = take(ledger, 1, 1);
    ledger.overdue(1000 * SECOND);
    assertThat(offer(ledger, slow)).containsExactly(new Ruling(slow.id(), Verdict.SEND));
    assertThat(ledger.lease(2, 1, 0).orElseThrow().node()).isEqualTo(new TreeNode(1, 2));
  }

  /** Its time is not its work's, and would hold for every deadline after it. */
  @Test
  void aWorkerThatStoodStillTeachesNoDeadline() {
    Ledger ledger = gradients(8);
    Lease frozen = take(ledger, 1, 4);
    Lease quick = take(ledger, 2, 4);
    ledger.silent(1);
    ledger.heard(1);
    deliver(ledger, quick, 2.0);
    deliver(ledger, frozen, 3_600);
    assertThat(take(ledger, 3, 4).deadline()).isEqualTo(13 * SECOND);
  }

  @Test
  void aLeaseWhoseUploadsKeepBreakingIsGivenToOthers() {
    Ledger ledger = gradients(2);
    Lease lease = take(ledger, 1, 1);
    for (int i = 0; i < 3; i++) {
      assertThat(ledger.isComputing(lease.id())).isTrue();
      assertThat(offer(ledger, lease)).containsExactly(new Ruling(lease.id(), Verdict.SEND));
      ledger.broken(lease.id());
    }
    assertThat(ledger.find(lease.id())).isEmpty();
    assertThat(take(ledger, 2, 1).node()).isEqualTo(lease.node());
  }

  @Test
  void aResultThatIsHereIsNotGivenBack() {
    Ledger ledger = gradients(2);
    Lease lease = take(ledger, 1, 1);
    offer(ledger, lease);
    ledger.received(lease.id());
    assertThat(ledger.giveBack(lease.id())).isFalse();
    ledger.merged(lease.id());
  }

  @Test
  void aSecondResultForALeafIsDropped() {
    Ledger ledger = gradients(2);
    Lease slow = take(ledger, 1, 1);
    ledger.silent(1);
    Lease again = take(ledger, 2, 1);
    deliver(ledger, again, 1.0);
    ledger.heard(1);
    assertThat(offer(ledger, slow)).containsExactly(new Ruling(slow.id(), Verdict.DROP));
    assertThat(ledger.duplicates()).isEqualTo(1);
  }

  @Test
  void aNodeWithAFilledDescendantIsDroppedAndTheRestGivenOutAgain() {
    Ledger ledger = gradients(4);
    Lease pair = take(ledger, 1, 1);
    assertThat(pair.node()).isEqualTo(new TreeNode(0, 2));
    ledger.silent(1);
    Lease left = take(ledger, 2, 2);
    assertThat(left.node()).isEqualTo(new TreeNode(0, 1));
    deliver(ledger, left, 1.0);
    ledger.heard(1);
    assertThat(offer(ledger, pair)).containsExactly(new Ruling(pair.id(), Verdict.DROP));
    assertThat(take(ledger, 1, 2).node()).isEqualTo(new TreeNode(1, 2));
  }

  @Test
  void otherBitsForTheSameLeafAreAConflictThatNamesBothWorkers() {
    Ledger ledger = gradients(2);
    Lease slow = take(ledger, 1, 1);
    ledger.silent(1);
    Lease again = take(ledger, 2, 1);
    deliver(ledger, again, 1.0);
    assertThat(ledger.offer(slow.id(), List.of(new ResultHash(6)), 1))
        .contains(new Conflict(0, 2, 1));
  }

  @Test
  void amongMixedWorkersOtherBitsAreCounted() {
    Ledger ledger = Ledger.ofGradients(2, 1, times, 64, /* mixed= */ true);
    Lease slow = take(ledger, 1, 1);
    ledger.silent(1);
    deliver(ledger, take(ledger, 2, 1), 1.0);
    assertThat(ledger.offer(slow.id(), List.of(new ResultHash(6)), 1)).isEmpty();
    assertThat(ledger.differing()).isEqualTo(1);
  }

  @Test
  void beyondTheBoundOnlyTheLowestMissingLeafIsTaken() {
    Ledger ledger = gradients(16);
    List<Lease> leases = singleLeaves(ledger, 16);
    List<Integer> sent = new ArrayList<>();
    for (int leaf = 1; leaf < 16; leaf += 2) {
      for (Ruling ruling : offer(ledger, leases.get(leaf))) {
        merge(ledger, ruling.lease());
        sent.add(leaf);
      }
    }
    assertThat(sent).containsExactly(1, 3, 5, 7, 9, 11);
    assertThat(ledger.buffers()).isEqualTo(6);
    assertThat(offer(ledger, leases.get(2))).isEmpty();
    assertThat(offer(ledger, leases.get(0)))
        .containsExactly(new Ruling(leases.get(0).id(), Verdict.SEND));
  }

  @Test
  void aWaitingResultIsGivenUpWhereNobodyComputesTheMissingLeaf() {
    Ledger ledger = gradients(16);
    List<Lease> leases = singleLeaves(ledger, 16);
    for (int leaf = 1; leaf < 16; leaf += 2) {
      offer(ledger, leases.get(leaf)).forEach(ruling -> merge(ledger, ruling.lease()));
    }
    assertThat(ledger.unblock(false)).as("the even leaves are being computed").isEmpty();
    for (int leaf = 0; leaf < 16; leaf += 2) {
      ledger.lost(leases.get(leaf).worker());
    }
    assertThat(ledger.unblock(true)).as("somebody can compute them").isEmpty();
    assertThat(ledger.unblock(false)).contains(new Ruling(leases.get(15).id(), Verdict.DROP));
    assertThat(ledger.lease(16, 16, 0).orElseThrow().node()).isEqualTo(new TreeNode(0, 1));
  }

  @Test
  void aResultCannotBeReceivedTwice() {
    Ledger ledger = gradients(2);
    Lease lease = take(ledger, 1, 1);
    offer(ledger, lease);
    ledger.received(lease.id());
    assertThatThrownBy(() -> ledger.received(lease.id()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("lease 1 is RECEIVED, not SENDING");
  }

  @Test
  void callsAreSingleAndUnbounded() {
    Ledger ledger = Ledger.ofCalls(100, 1, times, false);
    List<Lease> leases = singleLeaves(ledger, 100);
    for (int slot = 1; slot < 100; slot += 2) {
      assertThat(offer(ledger, leases.get(slot))).hasSize(1);
      merge(ledger, leases.get(slot).id());
    }
  }

  private Ledger gradients(int leaves) {
    return Ledger.ofGradients(leaves, 1, times, 64, /* mixed= */ false);
  }

  private static Lease take(Ledger ledger, long worker, int workers) {
    return ledger.lease(worker, workers, 0).orElseThrow();
  }

  private static List<Lease> singleLeaves(Ledger ledger, int count) {
    List<Lease> leases = new ArrayList<>();
    for (int leaf = 0; leaf < count; leaf++) {
      Lease lease = take(ledger, leaf + 1, count);
      assertThat(lease.node()).isEqualTo(new TreeNode(leaf, leaf + 1));
      leases.add(lease);
    }
    return leases;
  }

  private static List<Ruling> offer(Ledger ledger, Lease lease) {
    assertThat(ledger.offer(lease.id(), hashes(lease), 1)).isEmpty();
    return ledger.settle();
  }

  private static List<ResultHash> hashes(Lease lease) {
    return Collections.nCopies(lease.node().leaves(), new ResultHash(7));
  }

  private static void merge(Ledger ledger, long lease) {
    ledger.received(lease);
    ledger.merged(lease);
  }

  private static void deliver(Ledger ledger, Lease lease, double seconds) {
    ledger.offer(lease.id(), hashes(lease), seconds);
    assertThat(ledger.settle()).contains(new Ruling(lease.id(), Verdict.SEND));
    merge(ledger, lease.id());
  }
}
