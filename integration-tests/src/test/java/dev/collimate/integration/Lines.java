package dev.collimate.integration;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;

/** The lines of a process's output, read as they come. */
final class Lines {
  private final List<String> lines = new ArrayList<>();
  private final Lock lock = new ReentrantLock();
  private final Condition news = lock.newCondition();
  private boolean ended;

  private Lines() {}

  static Lines of(InputStream stream) {
    Lines lines = new Lines();
    Thread reader = new Thread(() -> lines.read(stream), "process-output");
    reader.setDaemon(true);
    reader.start();
    return lines;
  }

  private void read(InputStream stream) {
    try (BufferedReader reader =
        new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        add(line);
      }
    } catch (IOException e) {
      add("(output cut off: " + e.getMessage() + ")");
    }
    end();
  }

  private void add(String line) {
    lock.lock();
    try {
      lines.add(line);
      news.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void end() {
    lock.lock();
    try {
      ended = true;
      news.signalAll();
    } finally {
      lock.unlock();
    }
  }

  List<String> soFar() {
    lock.lock();
    try {
      return List.copyOf(lines);
    } finally {
      lock.unlock();
    }
  }

  /** The first line in which the pattern is found; empty when time is up or the output ends. */
  Optional<String> await(Pattern pattern, Duration timeout) throws InterruptedException {
    lock.lock();
    try {
      long left = timeout.toNanos();
      int seen = 0;
      while (true) {
        for (; seen < lines.size(); seen++) {
          if (pattern.matcher(lines.get(seen)).find()) {
            return Optional.of(lines.get(seen));
          }
        }
        if (ended || left <= 0) {
          return Optional.empty();
        }
        left = news.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  void awaitEnd(Duration timeout) throws InterruptedException, TimeoutException {
    lock.lock();
    try {
      long left = timeout.toNanos();
      while (!ended) {
        if (left <= 0) {
          throw new TimeoutException("output is still open");
        }
        left = news.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }
}
