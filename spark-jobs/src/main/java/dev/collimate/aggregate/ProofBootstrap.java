package dev.collimate.aggregate;

import dev.collimate.CollimateException;
import dev.collimate.aggregate.Wire.MalformedException;
import io.netty.channel.Channel;
import java.nio.ByteBuffer;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.client.TransportClientBootstrap;

/** The worker's side of the proof, before a connection is used. */
final class ProofBootstrap implements TransportClientBootstrap {

  private static final long TIMEOUT_MILLIS = 30_000;

  private final Endpoint endpoint;

  ProofBootstrap(Endpoint endpoint) {
    this.endpoint = endpoint;
  }

  @Override
  public void doBootstrap(TransportClient client, Channel channel) {
    byte[] token = endpoint.token();
    byte[] mine = Proof.nonce();
    Challenge challenge = challenge(client, mine);
    byte[] expected = Proof.of(Proof.Role.DRIVER, token, mine, challenge.nonce);
    if (!Proof.matches(expected, challenge.proof)) {
      throw CollimateException.resources(
          endpoint + " is not this run's driver: it does not know the run's token");
    }
    byte[] proof = Proof.of(Proof.Role.WORKER, token, mine, challenge.nonce);
    client.sendRpcSync(new Wire.Writer().bytes(proof).toBuffer(), TIMEOUT_MILLIS);
  }

  private Challenge challenge(TransportClient client, byte[] nonce) {
    ByteBuffer hello =
        new Wire.Writer().int32(Proof.MAGIC).int32(Proof.PROTOCOL).bytes(nonce).toBuffer();
    ByteBuffer answer = client.sendRpcSync(hello, TIMEOUT_MILLIS);
    try {
      return Wire.read(answer, in -> new Challenge(in.bytes(), in.bytes()));
    } catch (MalformedException e) {
      throw CollimateException.resources(
          endpoint + " does not speak this version of Collimate's protocol: " + e.getMessage());
    }
  }

  private record Challenge(byte[] nonce, byte[] proof) {}
}
