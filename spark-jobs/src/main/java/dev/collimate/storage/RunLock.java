package dev.collimate.storage;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.CollimateException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code run.lock}: keeps two drivers off one output. The owner renews its heartbeat every 10 s. A
 * newcomer takes over at once where the owner's process is dead on the same host or the newcomer is
 * a later attempt of the same application; else it watches the heartbeat: one that stands still for
 * 30 s is taken over, one that goes on is an owner that lives. Only the newcomer's own clock is
 * read for that, so clocks of machines need not agree.
 */
public final class RunLock implements AutoCloseable {

  /** File name within the output directory. */
  public static final String NAME = "run.lock";

  private static final Logger log = LoggerFactory.getLogger(RunLock.class);
  private static final ObjectMapper JSON =
      new ObjectMapper().configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);
  static final Duration HEARTBEAT = Duration.ofSeconds(10);
  static final Duration STALE = Duration.ofSeconds(30);

  /**
   * Who holds the output.
   *
   * @param application Spark's application id
   * @param attempt YARN's attempt number, else 1
   * @param heartbeatMillis time of the last heartbeat, milliseconds since the epoch
   * @param token random, tells two owners apart that share all else
   */
  public record Owner(
      String application, int attempt, String host, long pid, long heartbeatMillis, String token) {

    private Owner at(long millis) {
      return new Owner(application, attempt, host, pid, millis, token);
    }

    private boolean isSameProcessAs(Owner other) {
      return token.equals(other.token);
    }

    private boolean isUnreadable() {
      return token.isEmpty();
    }

    @Override
    public String toString() {
      return "application "
          + application
          + ", attempt "
          + attempt
          + ", process "
          + pid
          + " on "
          + host;
    }
  }

  private final Storage storage;
  private final Path path;
  private final Owner owner;
  private final Clock clock;
  private final ScheduledExecutorService scheduler;
  private final ScheduledFuture<?> heartbeat;
  private String lostTo;

  /** A heartbeat that failed half-way leaves a file without an owner, which is still ours. */
  private boolean mayBeTorn;

  private boolean closed;

  private RunLock(Storage storage, Path path, Owner owner, Clock clock) {
    this.storage = storage;
    this.path = path;
    this.owner = owner;
    this.clock = clock;
    this.scheduler =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "collimate-run-lock");
              thread.setDaemon(true);
              return thread;
            });
    this.heartbeat =
        scheduler.scheduleAtFixedRate(
            this::renew, HEARTBEAT.toMillis(), HEARTBEAT.toMillis(), TimeUnit.MILLISECONDS);
  }

  /**
   * Takes the lock of an output directory, waiting for a silent owner to become stale.
   *
   * @param clock what heartbeats are stamped with
   * @throws CollimateException (usage) while another driver is alive
   */
  public static RunLock acquire(
      Path output, Configuration configuration, String application, int attempt, Clock clock)
      throws IOException, InterruptedException {
    return acquire(output, configuration, application, attempt, clock, System::nanoTime);
  }

  /** As above, with another measure of how long a heartbeat stands still. */
  static RunLock acquire(
      Path output,
      Configuration configuration,
      String application,
      int attempt,
      Clock clock,
      LongSupplier nanoTime)
      throws IOException, InterruptedException {
    Storage storage = Storage.of(output, configuration);
    storage.fileSystem().mkdirs(output);
    Path path = new Path(output, NAME);
    Owner me =
        new Owner(
            application,
            attempt,
            InetAddress.getLocalHost().getHostName(),
            ProcessHandle.current().pid(),
            clock.millis(),
            java.util.UUID.randomUUID().toString());
    Owner seen = null;
    long seenSince = 0;
    while (true) {
      if (create(storage, path, me.at(clock.millis()))) {
        return new RunLock(storage, path, me, clock);
      }
      Owner holder = read(storage, path);
      if (holder == null) {
        continue;
      }
      long now = nanoTime.getAsLong();
      boolean isStale = holder.equals(seen) && now - seenSince > STALE.toNanos();
      if (isStale || isSucceededAtOnce(holder, me)) {
        log.warn("Taking over {} from {}", path, holder);
        storage.fileSystem().delete(path, false);
        continue;
      }
      if (seen == null) {
        seen = holder;
        seenSince = now;
        log.warn("{} is held by {}; waiting whether it still lives", path, holder);
      } else if (!holder.equals(seen)) {
        throw CollimateException.usage(
            "output: '"
                + output
                + "' is in use by "
                + holder
                + "; wait for it to end or choose another output");
      }
      Thread.sleep(1000);
    }
  }

  private static boolean isSucceededAtOnce(Owner holder, Owner me) {
    boolean sameHost = holder.host().equals(me.host());
    if (sameHost && ProcessHandle.of(holder.pid()).isEmpty()) {
      return true;
    }
    return holder.application().equals(me.application()) && me.attempt() > holder.attempt();
  }

  /**
   * Throws where another driver took the output over. Never while the heartbeat is half-written: it
   * would read as another's.
   */
  public synchronized void requireOwned() {
    try {
      look();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + path, e);
    }
    if (lostTo != null) {
      throw new CollimateException(
          CollimateException.Kind.RESOURCES,
          "This driver lost the lock '" + path + "' to " + lostTo + "; it publishes nothing more");
    }
  }

  /** Notes to whom the lock was lost, if it was. */
  private void look() throws IOException {
    Owner holder = read(storage, path);
    if (holder == null) {
      lostTo = "nobody: the lock file is gone";
    } else if (!isOurs(holder)) {
      lostTo = holder.toString();
    }
  }

  private boolean isOurs(Owner holder) {
    return holder.isSameProcessAs(owner) || (mayBeTorn && holder.isUnreadable());
  }

  /** The next heartbeat. */
  synchronized void renew() {
    if (closed) {
      return;
    }
    try {
      look();
      if (lostTo != null) {
        heartbeat.cancel(false);
        return;
      }
      mayBeTorn = true;
      // In place: while a rename replaces the file on HDFS, it is missing and another driver could
      // create it.
      storage.overwrite(path, JSON.writeValueAsBytes(owner.at(clock.millis())));
      mayBeTorn = false;
    } catch (IOException | RuntimeException e) {
      // Thrown out of here it would end the heartbeats.
      log.warn("Cannot renew {}; trying again in {} s", path, HEARTBEAT.toSeconds(), e);
    }
  }

  private static boolean create(Storage storage, Path path, Owner owner) throws IOException {
    try (OutputStream out = storage.fileSystem().create(path, /* overwrite= */ false)) {
      out.write(JSON.writeValueAsBytes(owner));
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    } catch (IOException e) {
      if (storage.exists(path)) {
        return false;
      }
      throw e;
    }
  }

  /**
   * The owner, or null where the file is gone; a half-written file has an unreadable one, whose
   * heartbeat is its modification time.
   */
  private static Owner read(Storage storage, Path path) throws IOException {
    try {
      byte[] content = storage.read(path);
      try {
        return JSON.readValue(content, Owner.class);
      } catch (IOException torn) {
        long modified = storage.fileSystem().getFileStatus(path).getModificationTime();
        return new Owner("unknown", 0, "unknown", -1, modified, "");
      }
    } catch (FileNotFoundException e) {
      return null;
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    heartbeat.cancel(false);
    scheduler.shutdownNow();
    try {
      Owner holder = read(storage, path);
      if (holder != null && isOurs(holder)) {
        storage.fileSystem().delete(path, false);
      }
    } catch (IOException e) {
      log.warn("Cannot remove {}; it goes stale in {} s", path, STALE.toSeconds(), e);
    }
  }
}
