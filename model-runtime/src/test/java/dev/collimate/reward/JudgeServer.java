package dev.collimate.reward;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** A server on this machine that judges as a test tells it, one way of answering after another. */
final class JudgeServer implements AutoCloseable {

  /** What the server does with a request. */
  interface Way {
    void answer(HttpExchange exchange) throws IOException, InterruptedException;
  }

  /** A request as it came. */
  record Asked(String body, String authorization) {}

  final List<Asked> asked = new CopyOnWriteArrayList<>();
  final AtomicInteger most = new AtomicInteger();

  private final AtomicInteger now = new AtomicInteger();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final HttpServer server;
  private final List<Way> ways;

  /**
   * @param ways of the first requests, in order; the last one is that of all others
   */
  JudgeServer(Way... ways) throws IOException {
    this.ways = List.of(ways);
    this.server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 100);
    server.setExecutor(threads);
    server.createContext("/v1/chat/completions", this::handle);
    server.start();
  }

  String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
  }

  private void handle(HttpExchange exchange) {
    try (exchange) {
      most.accumulateAndGet(now.incrementAndGet(), Math::max);
      String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      int number;
      synchronized (this) {
        number = asked.size();
        exchange.setAttribute("body", body);
        asked.add(new Asked(body, exchange.getRequestHeaders().getFirst("Authorization")));
      }
      ways.get(Math.min(number, ways.size() - 1)).answer(exchange);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      now.decrementAndGet();
    }
  }

  /** Says this, as a model would. */
  static Way says(String text) {
    return status(
        200,
        "{\"choices\": [{\"message\": {\"role\": \"assistant\", \"content\": \"%s\"}}]}"
            .formatted(text),
        Map.of());
  }

  static Way status(int status, String body, Map<String, String> headers) {
    return exchange -> {
      headers.forEach(exchange.getResponseHeaders()::set);
      byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(status, bytes.length);
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(bytes);
      }
    };
  }

  /** One way for requests with this text, another for the rest. */
  static Way where(String text, Way then, Way otherwise) {
    return exchange -> {
      boolean isThere = exchange.getAttribute("body").toString().contains(text);
      (isThere ? then : otherwise).answer(exchange);
    };
  }

  /** Takes the request and says nothing. */
  Way nothing() {
    return exchange -> closed.await();
  }

  /** Begins to answer, and never ends. */
  Way beginning() {
    return exchange -> {
      exchange.sendResponseHeaders(200, 0);
      exchange.getResponseBody().write("{\"choices\": ".getBytes(StandardCharsets.UTF_8));
      exchange.getResponseBody().flush();
      closed.await();
    };
  }

  /** Announces more than it sends, and hangs up. */
  static Way hangsUp() {
    return exchange -> {
      exchange.sendResponseHeaders(200, 1000);
      exchange.getResponseBody().write('{');
      exchange.getResponseBody().flush();
    };
  }

  @Override
  public void close() {
    closed.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
