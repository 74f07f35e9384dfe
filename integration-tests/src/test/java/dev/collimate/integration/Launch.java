package dev.collimate.integration;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A running command. The launcher turns itself into the driver, so the process is the driver's JVM;
 * on local-cluster the executors are its descendants.
 */
final class Launch implements AutoCloseable {
  private final List<String> command;
  private final Process process;
  private final Lines out;
  private final Lines err;

  Launch(List<String> command, Process process) {
    this.command = List.copyOf(command);
    this.process = process;
    this.out = Lines.of(process.getInputStream());
    this.err = Lines.of(process.getErrorStream());
  }

  ProcessHandle driver() {
    return process.toHandle();
  }

  /** The executor JVMs that live now, oldest first. */
  List<ProcessHandle> executors() {
    return process
        .descendants()
        .filter(handle -> commandLine(handle).contains("CoarseGrainedExecutorBackend"))
        .sorted(
            (a, b) ->
                a.info()
                    .startInstant()
                    .orElseThrow()
                    .compareTo(b.info().startInstant().orElseThrow()))
        .toList();
  }

  /** Waits until a line of stderr contains the pattern, and gives that line. */
  String awaitErr(Pattern pattern, Duration timeout) {
    try {
      return err.await(pattern, timeout)
          .orElseThrow(
              () ->
                  new AssertionError(
                      "No line with '%s' within %s:%n%s"
                          .formatted(pattern, timeout, soFar().transcript())));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Kills at once, as the kernel's out-of-memory killer does, and waits until it is gone. */
  static void kill(ProcessHandle victim) {
    if (!victim.destroyForcibly()) {
      throw new AssertionError("Process " + victim.pid() + " cannot be killed");
    }
    victim.onExit().join();
  }

  /** Stops a process as a long pause of its machine does; it keeps its connections. */
  static void freeze(ProcessHandle process) {
    signal("STOP", process);
  }

  /** Lets a frozen process go on. */
  static void wake(ProcessHandle process) {
    signal("CONT", process);
  }

  private static void signal(String name, ProcessHandle process) {
    try {
      new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().onExit().join();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits for the end, all output included. */
  Finished await(Duration timeout) {
    try {
      process.onExit().get(timeout.toMillis(), TimeUnit.MILLISECONDS);
      out.awaitEnd(Duration.ofMinutes(1));
      err.awaitEnd(Duration.ofMinutes(1));
    } catch (TimeoutException e) {
      throw new AssertionError(
          "Not done within %s:%n%s".formatted(timeout, soFar().transcript()), e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
    return soFar();
  }

  private Finished soFar() {
    return new Finished(
        command, process.isAlive() ? -1 : process.exitValue(), out.soFar(), err.soFar());
  }

  /** Kills the driver and all that it started. */
  @Override
  public void close() {
    Stream.concat(process.descendants(), Stream.of(process.toHandle()))
        .toList()
        .forEach(ProcessHandle::destroyForcibly);
    process.onExit().join();
  }

  /**
   * From the kernel: ProcessHandle cuts a command line at 4096 bytes, before a JVM's main class.
   */
  private static String commandLine(ProcessHandle handle) {
    try {
      return Files.readString(
          Path.of("/proc", Long.toString(handle.pid()), "cmdline"), StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      return "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
