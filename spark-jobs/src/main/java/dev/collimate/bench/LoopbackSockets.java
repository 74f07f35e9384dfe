package dev.collimate.bench;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The bytes of a step through plain sockets of this machine, out to every worker and then back, and
 * nothing else: no vector is read or written. It is the floor of a step whose workers are processes
 * of the same machine.
 */
final class LoopbackSockets implements AutoCloseable {

  private static final int BUFFER_BYTES = 256 * 1024;

  private record Pair(SocketChannel driver, SocketChannel worker) {}

  private final long bytes;
  private final List<Pair> pairs = new ArrayList<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();

  /**
   * @param bytes that each worker is sent, and sends
   */
  LoopbackSockets(long bytes, int workers) {
    this.bytes = bytes;
    InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    try (ServerSocketChannel server = ServerSocketChannel.open().bind(any)) {
      for (int i = 0; i < workers; i++) {
        SocketChannel worker = SocketChannel.open(server.getLocalAddress());
        Pair pair = new Pair(server.accept(), worker);
        pair.driver.setOption(StandardSocketOptions.TCP_NODELAY, true);
        pair.worker.setOption(StandardSocketOptions.TCP_NODELAY, true);
        pairs.add(pair);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Moves all of it once and returns the seconds it took. */
  double step() {
    long begin = System.nanoTime();
    List<CompletableFuture<Void>> ends = new ArrayList<>();
    for (Pair pair : pairs) {
      ends.add(
          CompletableFuture.allOf(run(() -> write(pair.driver)), run(() -> read(pair.worker)))
              .thenCompose(
                  out ->
                      CompletableFuture.allOf(
                          run(() -> write(pair.worker)), run(() -> read(pair.driver)))));
    }
    ends.forEach(CompletableFuture::join);
    return (System.nanoTime() - begin) / 1e9;
  }

  @Override
  public void close() {
    threads.shutdownNow();
    for (Pair pair : pairs) {
      try (SocketChannel driver = pair.driver;
          SocketChannel worker = pair.worker) {
        driver.shutdownOutput();
        worker.shutdownOutput();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private interface Transfer {
    void run() throws IOException;
  }

  private CompletableFuture<Void> run(Transfer transfer) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            transfer.run();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        },
        threads);
  }

  private void write(ByteChannel to) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    for (long left = bytes; left > 0; ) {
      buffer.clear().limit((int) Math.min(BUFFER_BYTES, left));
      left -= to.write(buffer);
    }
  }

  private void read(ByteChannel from) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    for (long left = bytes; left > 0; ) {
      buffer.clear().limit((int) Math.min(BUFFER_BYTES, left));
      int count = from.read(buffer);
      if (count < 0) {
        throw new EOFException("a socket of the measurement was closed");
      }
      left -= count;
    }
  }
}
