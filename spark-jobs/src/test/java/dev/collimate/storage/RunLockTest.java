package dev.collimate.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import java.nio.file.Files;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RunLockTest {

  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

  @TempDir private java.nio.file.Path output;

  @Test
  void aFreeOutputIsTakenAndReleased() throws Exception {
    try (RunLock lock = acquire("application_1", 1, NOW)) {
      lock.requireOwned();
      assertThat(output.resolve(RunLock.NAME)).content().contains("application_1");
    }
    assertThat(output.resolve(RunLock.NAME)).doesNotExist();
  }

  @Test
  void aDeadProcessOfTheSameHostIsSucceededAtOnce() throws Exception {
    holdBy("application_0", 1, localHost(), Long.MAX_VALUE, NOW);
    try (RunLock lock = acquire("application_1", 1, NOW)) {
      lock.requireOwned();
    }
  }

  @Test
  void aLaterAttemptOfTheSameApplicationTakesOverAtOnce() throws Exception {
    holdBy("application_1", 1, "elsewhere", 1, NOW);
    try (RunLock lock = acquire("application_1", 2, NOW)) {
      lock.requireOwned();
    }
  }

  /** The other machine's clock may be an hour off, so its stamp says nothing. */
  @ParameterizedTest
  @ValueSource(ints = {-3600, 0, 3600})
  void aHeartbeatThatStandsStillForThirtySecondsIsStale(int secondsAhead) throws Exception {
    holdBy("application_0", 1, "elsewhere", 1, NOW.plusSeconds(secondsAhead));
    List<Long> seconds = new ArrayList<>(List.of(100L, 131L));
    try (RunLock lock = acquire("application_1", 1, () -> seconds.remove(0) * 1_000_000_000L)) {
      lock.requireOwned();
    }
    assertThat(seconds).isEmpty();
  }

  @Test
  void anOldStampAloneIsNotStale() throws Exception {
    holdBy("application_0", 1, "elsewhere", 1, NOW.minusSeconds(3600));
    LongSupplier beats =
        () -> {
          holdBy("application_0", 1, "elsewhere", 1, NOW.minusSeconds(3590));
          return 0;
        };
    assertThatThrownBy(() -> acquire("application_1", 1, beats))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("is in use by application application_0");
  }

  @Test
  void anOwnHeartbeatThatFailedHalfWayIsNotAnothers() throws Exception {
    Configuration configuration = ObjectStore.configuration();
    try (RunLock lock =
        RunLock.acquire(
            new Path(ObjectStore.UNKNOWN + ":" + output),
            configuration,
            "application_1",
            1,
            Clock.fixed(NOW, ZoneOffset.UTC))) {
      configuration.setBoolean(ObjectStore.WRITES_ARE_TORN, true);
      lock.renew();
      assertThat(output.resolve(RunLock.NAME)).isEmptyFile();
      lock.requireOwned();

      configuration.setBoolean(ObjectStore.WRITES_ARE_TORN, false);
      lock.renew();
      assertThat(output.resolve(RunLock.NAME)).content().contains("application_1");
      lock.requireOwned();

      Files.writeString(output.resolve(RunLock.NAME), "");
      assertThatThrownBy(lock::requireOwned).hasMessageContaining("lost the lock");
    }
  }

  @Test
  void noHeartbeatComesAfterTheRelease() throws Exception {
    RunLock lock = acquire("application_1", 1, NOW);
    String held = Files.readString(output.resolve(RunLock.NAME)) + "\n";
    lock.close();
    Files.writeString(output.resolve(RunLock.NAME), held);
    lock.renew();
    assertThat(output.resolve(RunLock.NAME)).content().isEqualTo(held);
  }

  @Test
  void aLivingOwnerIsNamed() throws Exception {
    long alive = ProcessHandle.current().pid();
    holdBy("application_0", 1, localHost(), alive, NOW);
    Thread owner =
        new Thread(
            () -> {
              for (int second = 1; !Thread.currentThread().isInterrupted(); second++) {
                holdBy("application_0", 1, localHost(), alive, NOW.plusMillis(second));
                Thread.onSpinWait();
              }
            });
    owner.start();
    try {
      assertThatThrownBy(() -> acquire("application_1", 1, NOW))
          .isInstanceOf(CollimateException.class)
          .hasMessageContaining(
              "is in use by application application_0, attempt 1, process " + alive);
    } finally {
      owner.interrupt();
      owner.join();
    }
  }

  @Test
  void anOwnerThatWasSucceededMayNotPublish() throws Exception {
    RunLock lock = acquire("application_1", 1, NOW);
    holdBy("application_2", 1, "elsewhere", 7, NOW);
    assertThatThrownBy(lock::requireOwned)
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("lost the lock")
        .hasMessageContaining("application_2");
    lock.close();
    assertThat(output.resolve(RunLock.NAME)).exists();
  }

  private RunLock acquire(String application, int attempt, Instant now) throws Exception {
    return RunLock.acquire(
        new Path(output.toUri()),
        new Configuration(),
        application,
        attempt,
        Clock.fixed(now, ZoneOffset.UTC));
  }

  private RunLock acquire(String application, int attempt, LongSupplier nanoTime) throws Exception {
    return RunLock.acquire(
        new Path(output.toUri()),
        new Configuration(),
        application,
        attempt,
        Clock.fixed(NOW, ZoneOffset.UTC),
        nanoTime);
  }

  private void holdBy(String application, int attempt, String host, long pid, Instant heartbeat) {
    try {
      java.nio.file.Path next = output.resolve("next");
      Files.writeString(
          next,
          """
          {"application":"%s","attempt":%d,"host":"%s","pid":%d,"heartbeatMillis":%d,"token":"t"}"""
              .formatted(application, attempt, host, pid, heartbeat.toEpochMilli()));
      Files.move(next, output.resolve(RunLock.NAME), java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static String localHost() {
    try {
      return java.net.InetAddress.getLocalHost().getHostName();
    } catch (java.net.UnknownHostException e) {
      throw new AssertionError(e);
    }
  }
}
