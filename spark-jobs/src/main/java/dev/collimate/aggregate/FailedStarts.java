package dev.collimate.aggregate;

import dev.collimate.CollimateException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * How the workers of all seats ended, as far as they could not even be made. Where each seat has
 * seen nothing else for some tries, waiting for a better machine is vain. Used by several threads.
 */
final class FailedStarts {

  private static final int TRIES = 3;

  private final int[] inARow;
  private String first = "";

  FailedStarts(int seats) {
    this.inARow = new int[seats];
  }

  /**
   * Whether another try on the same machine would fail in the same way: a run file, model or row
   * that is refused, a file that is not there, a class or library that is missing. What may pass is
   * not final: memory, a device that is taken, a file system that does not answer.
   */
  static boolean isFinal(Throwable failure) {
    if (failure instanceof LinkageError || failure instanceof ClassNotFoundException) {
      return true;
    }
    if (causes(failure).anyMatch(FailedStarts::isMissingFile)) {
      return true;
    }
    return failure instanceof CollimateException refused
        && (refused.kind() == CollimateException.Kind.USAGE
            || refused.kind() == CollimateException.Kind.DATA)
        && causes(failure).noneMatch(cause -> cause instanceof IOException);
  }

  private static boolean isMissingFile(Throwable cause) {
    return cause instanceof FileNotFoundException || cause instanceof NoSuchFileException;
  }

  private static Stream<Throwable> causes(Throwable failure) {
    return Stream.iterate(failure, cause -> cause != null, Throwable::getCause);
  }

  /**
   * Notes the end of a seat's worker.
   *
   * @return the failure of a run that has no worker, where no seat can have one
   */
  synchronized Optional<CollimateException> ended(int seat, WorkerEnd end) {
    if (end.why() == WorkerEnd.Why.BUSY) {
      return Optional.empty();
    }
    inARow[seat] = end.why() == WorkerEnd.Why.UNFIT ? inARow[seat] + 1 : 0;
    if (end.why() == WorkerEnd.Why.UNFIT && first.isEmpty()) {
      first = end.sentence();
    }
    for (int count : inARow) {
      if (count < TRIES) {
        return Optional.empty();
      }
    }
    return Optional.of(
        CollimateException.resources(
            "no worker can start, on any executor that was tried; first on " + first));
  }
}
