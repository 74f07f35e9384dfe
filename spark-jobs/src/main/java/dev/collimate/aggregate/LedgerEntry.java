package dev.collimate.aggregate;

/** How a lease of the {@link Ledger} stands; the ledger alone changes it. */
final class LedgerEntry {

  /** What its worker has got to. */
  enum Stage {
    /** Computing. */
    GRANTED,
    /** Offered, unanswered. */
    OFFERED,
    /** Told to send. */
    SENDING,
    /** Here, not merged yet. */
    RECEIVED
  }

  final Ledger.Lease lease;
  Stage stage = Stage.GRANTED;

  /** Given to others too. */
  boolean released;

  /** Its worker was silent meanwhile, so its time is not its work's. */
  boolean wasSilent;

  /** Uploads that broke. */
  int broken;

  LedgerEntry(Ledger.Lease lease) {
    this.lease = lease;
  }

  boolean claims(int leaf) {
    return !released && lease.node().from() <= leaf && leaf < lease.node().to();
  }
}
