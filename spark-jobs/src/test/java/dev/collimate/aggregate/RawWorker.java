package dev.collimate.aggregate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.aggregate.Wire.MalformedException;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.GradientTree;
import dev.collimate.parameters.TreeNode;
import dev.collimate.parameters.VectorPool;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.spark.network.TransportContext;
import org.apache.spark.network.buffer.ManagedBuffer;
import org.apache.spark.network.buffer.NioManagedBuffer;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.client.TransportClientFactory;

/** A worker whose every word the test chooses; it sends no heartbeats. */
final class RawWorker implements AutoCloseable {

  private final TransportContext context;
  private final TransportClientFactory factory;
  private final TransportClient client;

  RawWorker(Endpoint endpoint) throws IOException, InterruptedException {
    SparkTransport transport = Cluster.transport(Cluster.plain());
    context = transport.context();
    factory = transport.clients(context, endpoint);
    client = factory.createUnmanagedClient(endpoint.host(), endpoint.port());
  }

  /** Arrives and registers under an executor's name. */
  static RawWorker registered(Endpoint endpoint, String executor)
      throws IOException, InterruptedException {
    RawWorker worker = new RawWorker(endpoint);
    worker.call(new Request.Arrive(new WorkerPlace(executor, "127.0.0.1", 1)));
    worker.call(new Request.Register(new byte[0]));
    return worker;
  }

  TransportClient client() {
    return client;
  }

  CompletableFuture<Reply> ask(Request request) {
    CompletableFuture<Reply> reply = new CompletableFuture<>();
    client.sendRpc(request.encode(), new Answer(reply));
    return reply;
  }

  Reply call(Request request) {
    return get(ask(request));
  }

  /** Polls until there is work. */
  Reply.Grant work() {
    Reply reply = call(new Request.Poll());
    while (reply instanceof Reply.Fine) {
      reply = call(new Request.Poll());
    }
    return (Reply.Grant) reply;
  }

  Reply upload(ByteBuffer header, ManagedBuffer body) {
    CompletableFuture<Reply> reply = new CompletableFuture<>();
    client.uploadStream(new NioManagedBuffer(header), body, new Answer(reply));
    return get(reply);
  }

  /** The right sum of a grant's node. */
  static FlatVector sum(Reply.Grant grant, FlatVector parameters) {
    GradientTree tree = new GradientTree(grant.node(), new VectorPool(parameters.size()));
    for (int leaf = grant.node().from(); leaf < grant.node().to(); leaf++) {
      FlatVector gradient = new FlatVector(parameters.size());
      KnownVectors.gradient(leaf, parameters, gradient);
      tree.put(new TreeNode(leaf, leaf + 1), gradient);
    }
    return tree.takeRoot();
  }

  /** The right offer for a grant. */
  static Request.Offer offer(Reply.Grant grant, FlatVector parameters) {
    List<Request.Leaf> leaves = new ArrayList<>();
    for (int leaf = grant.node().from(); leaf < grant.node().to(); leaf++) {
      FlatVector gradient = new FlatVector(parameters.size());
      KnownVectors.gradient(leaf, parameters, gradient);
      byte[] result = KnownVectors.result(leaf, parameters);
      leaves.add(new Request.Leaf(ResultHash.of(gradient, result), result));
    }
    return new Request.Offer(grant.lease(), leaves, 0.01, 0);
  }

  static Reply get(CompletableFuture<Reply> reply) {
    try {
      return reply.get(20, TimeUnit.SECONDS);
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Waits until the other side has ended the connection. */
  static void awaitClosed(TransportClient client) throws Exception {
    CompletableFuture<Boolean> closed = new CompletableFuture<>();
    var unused = client.getChannel().closeFuture().addListener(done -> closed.complete(true));
    assertThat(closed.get(20, TimeUnit.SECONDS)).isTrue();
  }

  @Override
  public void close() {
    client.close();
    factory.close();
    context.close();
  }

  private record Answer(CompletableFuture<Reply> reply) implements RpcResponseCallback {
    @Override
    public void onSuccess(ByteBuffer response) {
      try {
        reply.complete(Reply.decode(response));
      } catch (MalformedException e) {
        reply.completeExceptionally(e);
      }
    }

    @Override
    public void onFailure(Throwable failure) {
      reply.completeExceptionally(failure);
    }
  }
}
