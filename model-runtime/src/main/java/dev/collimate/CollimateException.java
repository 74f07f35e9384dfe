package dev.collimate;

/**
 * A failure that a person can act on: one sentence that names the key, row or file, what was wrong
 * with it and what would be accepted. Its kind decides the exit code.
 */
public final class CollimateException extends RuntimeException {

  /** Who can mend the failure. */
  public enum Kind {
    /** Wrong usage or run file. */
    USAGE(2),
    /** Bad data or a bad model folder. */
    DATA(3),
    /** The cluster did not give what the run needs: memory, executors, a reachable port. */
    RESOURCES(1),
    /** A fault of Collimate itself. */
    INTERNAL(1);

    private final int exitCode;

    Kind(int exitCode) {
      this.exitCode = exitCode;
    }

    public int exitCode() {
      return exitCode;
    }
  }

  private final Kind kind;

  public CollimateException(Kind kind, String sentence) {
    super(sentence);
    this.kind = kind;
  }

  public CollimateException(Kind kind, String sentence, Throwable cause) {
    super(sentence, cause);
    this.kind = kind;
  }

  public static CollimateException usage(String sentence) {
    return new CollimateException(Kind.USAGE, sentence);
  }

  public static CollimateException data(String sentence) {
    return new CollimateException(Kind.DATA, sentence);
  }

  public static CollimateException resources(String sentence) {
    return new CollimateException(Kind.RESOURCES, sentence);
  }

  public Kind kind() {
    return kind;
  }
}
