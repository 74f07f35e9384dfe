package dev.collimate.aggregate;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Stands between workers and a driver; can break every connection through it, and keeps all bytes
 * that have passed.
 */
final class CutProxy implements Closeable {

  private final ServerSocket server;
  private final int driverPort;
  private final List<Socket> sockets = new ArrayList<>();
  private final ByteArrayOutputStream seen = new ByteArrayOutputStream();

  CutProxy(int driverPort) throws IOException {
    this.driverPort = driverPort;
    this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    daemon(this::accept);
  }

  int port() {
    return server.getLocalPort();
  }

  synchronized int cut() throws IOException {
    int count = sockets.size() / 2;
    for (Socket socket : sockets) {
      socket.close();
    }
    sockets.clear();
    return count;
  }

  /** Whether the bytes have passed, in this order, in either direction. */
  boolean hasSeen(byte[] bytes) {
    byte[] all;
    synchronized (seen) {
      all = seen.toByteArray();
    }
    for (int i = 0; i + bytes.length <= all.length; i++) {
      if (Arrays.equals(all, i, i + bytes.length, bytes, 0, bytes.length)) {
        return true;
      }
    }
    return false;
  }

  private void accept() {
    try {
      while (true) {
        Socket worker = server.accept();
        Socket driver = new Socket(InetAddress.getLoopbackAddress(), driverPort);
        synchronized (this) {
          sockets.add(worker);
          sockets.add(driver);
        }
        daemon(() -> copy(worker, driver));
        daemon(() -> copy(driver, worker));
      }
    } catch (IOException e) {
      // The proxy is closed.
    }
  }

  private void copy(Socket from, Socket to) {
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] piece = new byte[1 << 16];
      for (int count = in.read(piece); count >= 0; count = in.read(piece)) {
        synchronized (seen) {
          seen.write(piece, 0, count);
        }
        out.write(piece, 0, count);
      }
    } catch (IOException e) {
      // One side is gone; the other is closed with it.
    }
  }

  private static void daemon(Runnable task) {
    Thread thread = new Thread(task, "proxy");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    server.close();
    cut();
  }
}
