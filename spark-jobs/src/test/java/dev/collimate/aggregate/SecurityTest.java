package dev.collimate.aggregate;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.parameters.FlatVector;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.spark.SparkConf;
import org.apache.spark.network.TransportContext;
import org.apache.spark.network.buffer.NioManagedBuffer;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.client.StreamCallbackWithID;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.client.TransportClientFactory;
import org.apache.spark.network.sasl.SecretKeyHolder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SecurityTest {

  private static final String SPARK = org.apache.spark.package$.MODULE$.SPARK_VERSION();
  private static final FlatVector PARAMETERS = KnownVectors.parameters(FlatVector.BLOCK + 5L, 1);

  @Test
  void aWorkerWithAnotherTokenIsNotServed() {
    try (Cluster cluster = Cluster.of(1)) {
      Endpoint real = cluster.aggregator().endpoint();
      Endpoint stale = Endpoint.withRandomToken(real.host(), real.port());
      Cluster.Worker worker = cluster.add(place -> new KnownVectors.Task(), stale);
      assertThat(worker.end())
          .isEqualTo(
              new WorkerEnd(
                  WorkerEnd.Why.REFUSED,
                  stale + " is not this run's driver: it does not know the run's token"));
      assertServes(cluster);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 100, 100_000})
  void aStrangerIsClosedWithoutAWord(int bytes) throws IOException {
    try (Cluster cluster = Cluster.of(1);
        Socket socket =
            new Socket(InetAddress.getLoopbackAddress(), cluster.aggregator().endpoint().port())) {
      byte[] rubbish = new byte[bytes];
      new Random(bytes).nextBytes(rubbish);
      socket.setSoTimeout(20_000);
      OutputStream out = socket.getOutputStream();
      out.write(rubbish);
      if (bytes < 8) {
        // Less than a frame's length could still become one; the sender has to give up first.
        socket.shutdownOutput();
      }
      InputStream in = socket.getInputStream();
      assertThat(readUntilClosed(in)).isZero();
      assertServes(cluster);
    }
  }

  @Test
  void theBeginningOfAHugeFrameIsNotKept() throws IOException {
    try (Cluster cluster = Cluster.of(1);
        Socket socket =
            new Socket(InetAddress.getLoopbackAddress(), cluster.aggregator().endpoint().port())) {
      socket.setSoTimeout(20_000);
      ByteBuffer frame = ByteBuffer.allocate(200_000);
      frame.putLong(2_000_000_000L);
      socket.getOutputStream().write(frame.array());
      assertThat(readUntilClosed(socket.getInputStream())).isZero();
      assertServes(cluster);
    }
  }

  @Test
  void nothingButTheChallengeIsAnsweredBeforeTheProof() throws Exception {
    try (Cluster cluster = Cluster.of(1)) {
      assertCloses(
          cluster, (client, silence) -> client.sendRpc(new Request.Poll().encode(), silence));
      assertCloses(cluster, (client, silence) -> client.send(new Request.Poll().encode()));
      assertCloses(cluster, (client, silence) -> client.stream("parameters/1/0/1", silence));
      assertCloses(
          cluster,
          (client, silence) ->
              client.uploadStream(
                  new NioManagedBuffer(DriverConnection.uploadHeader(1, 0, 1)),
                  new NioManagedBuffer(ByteBuffer.allocate(100)),
                  silence));
      assertCloses(
          cluster,
          (client, silence) -> client.sendRpc(new Wire.Writer().int32(1).toBuffer(), silence));
      assertServes(cluster);
    }
  }

  @Test
  void aWrongProofIsClosedWithoutAWord() throws Exception {
    try (Cluster cluster = Cluster.of(1)) {
      assertCloses(
          cluster,
          (client, silence) -> {
            client.sendRpcSync(
                new Wire.Writer()
                    .int32(Proof.MAGIC)
                    .int32(Proof.PROTOCOL)
                    .bytes(Proof.nonce())
                    .toBuffer(),
                10_000);
            client.sendRpc(new Wire.Writer().bytes(new byte[32]).toBuffer(), silence);
          });
      assertServes(cluster);
    }
  }

  @Test
  void aProvedPeerThatSendsRubbishIsClosed() throws Exception {
    try (Cluster cluster = Cluster.of(1);
        RawWorker worker = new RawWorker(cluster.aggregator().endpoint())) {
      ByteBuffer longList =
          new Wire.Writer()
              .int8(Request.Offer.TAG)
              .int64(1)
              .float64(0)
              .float64(0)
              .int32(Integer.MAX_VALUE)
              .toBuffer();
      Silence silence = new Silence();
      worker.client().sendRpc(longList, silence);
      RawWorker.awaitClosed(worker.client());
      silence.assertKept();
      assertServes(cluster);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"sasl", "saslEncrypted", "aes", "aesAuthEngine2"})
  void sparksOwnSecurityIsHonoured(String kind) {
    try (Cluster cluster =
        new Cluster(
            AggregatorConfig.forWorkers(2).withWaits(30, 30),
            RegistrationPolicy.ANYONE,
            secured(kind))) {
      cluster.add(place -> new KnownVectors.Task());
      assertServes(cluster);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"saslEncrypted", "aes", "aesAuthEngine2"})
  void anEncryptedWireShowsNothing(String kind) throws IOException {
    try (Cluster cluster = cluster(secured(kind));
        CutProxy tap = tapped(cluster)) {
      assertThat(tap.hasSeen(parameterBytes())).isFalse();
      assertThat(tap.hasSeen("the worker of this test".getBytes(UTF_8))).isFalse();
      assertThat(tap.hasSeen(cluster.aggregator().endpoint().token())).isFalse();
    }
  }

  /** What the test above looks for can be found: in clear it is all there, but for the token. */
  @Test
  void aClearWireShowsAllButTheToken() throws IOException {
    try (Cluster cluster = cluster(secured("sasl"));
        CutProxy tap = tapped(cluster)) {
      assertThat(tap.hasSeen(parameterBytes())).isTrue();
      assertThat(tap.hasSeen("the worker of this test".getBytes(UTF_8))).isTrue();
      assertThat(tap.hasSeen(cluster.aggregator().endpoint().token())).isFalse();
    }
  }

  private static Cluster cluster(SparkConf conf) {
    return new Cluster(
        AggregatorConfig.forWorkers(1).withWaits(30, 30), RegistrationPolicy.ANYONE, conf);
  }

  /** After a step of one worker whose traffic has gone through the tap. */
  private static CutProxy tapped(Cluster cluster) throws IOException {
    Endpoint real = cluster.aggregator().endpoint();
    CutProxy tap = new CutProxy(real.port());
    cluster.add(
        place ->
            new KnownVectors.Task() {
              @Override
              public byte[] describe() {
                return "the worker of this test".getBytes(UTF_8);
              }
            },
        new Endpoint(real.host(), tap.port(), real.token()));
    StepResult step = cluster.aggregator().step(1, PARAMETERS, KnownVectors.payloads(3));
    assertThat(step.leaves()).hasSize(3);
    return tap;
  }

  /** Sixteen entries as they would stand on the wire. */
  private static byte[] parameterBytes() {
    ByteBuffer bytes = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 100; i < 116; i++) {
      bytes.putFloat(PARAMETERS.get(i));
    }
    return bytes.array();
  }

  @Test
  void aPeerWithoutSparksSecretGetsNothing() throws Exception {
    SparkConf conf = secured("aes");
    try (Cluster cluster =
        new Cluster(AggregatorConfig.forWorkers(1), RegistrationPolicy.ANYONE, conf)) {
      SparkTransport stranger = new SparkTransport(conf, "4.1.1", new OtherSecret());
      Endpoint endpoint = cluster.aggregator().endpoint();
      try (TransportContext context = stranger.context();
          TransportClientFactory factory = stranger.clients(context, endpoint)) {
        assertThatThrownBy(() -> factory.createUnmanagedClient(endpoint.host(), endpoint.port()))
            .isInstanceOf(RuntimeException.class);
      }
      assertServes(cluster);
    }
  }

  @Test
  void theCipherThatLosesMessagesIsRefusedByName() {
    SparkConf conf = secured("aes").set("spark.network.crypto.cipher", "AES/GCM/NoPadding");
    assertThatThrownBy(() -> new SparkTransport(conf, "4.1.1", Cluster.SECRETS))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "spark.network.crypto.cipher: 'AES/GCM/NoPadding' loses messages on Spark 4.1.1"
                + " (SPARK-56227); use AES/CTR/NoPadding");
    assertThat(SparkTransport.hasWorkingGcm("3.5.5")).isFalse();
    assertThat(SparkTransport.hasWorkingGcm("3.5.9")).isTrue();
    assertThat(SparkTransport.hasWorkingGcm("3.5.10")).isTrue();
  }

  @Test
  void tlsIsHonouredWhereSparkHasItAndElseRefused(@TempDir Path folder) throws Exception {
    SparkConf conf =
        Cluster.plain()
            .set("spark.ssl.rpc.enabled", "true")
            .set("spark.ssl.keyStore", keyStore(folder).toString())
            .set("spark.ssl.keyStorePassword", "changeit")
            .set("spark.ssl.keyPassword", "changeit")
            .set("spark.ssl.trustStore", keyStore(folder).toString())
            .set("spark.ssl.trustStorePassword", "changeit")
            .set("spark.ssl.protocol", "TLSv1.3");
    if (SPARK.startsWith("3.")) {
      assertThatThrownBy(() -> Cluster.transport(conf))
          .isInstanceOf(CollimateException.class)
          .hasMessage(
              "spark.ssl.rpc.enabled: Spark "
                  + SPARK
                  + " has no TLS between driver and executors; use spark.network.crypto.enabled");
      return;
    }
    try (Cluster cluster =
        new Cluster(
            AggregatorConfig.forWorkers(1).withWaits(30, 30), RegistrationPolicy.ANYONE, conf)) {
      assertThat(Cluster.transport(conf).isEncrypted()).isTrue();
      assertServes(cluster);
    }
  }

  @Test
  void thePortIsTheFirstFreeOneOfTheRange() throws IOException {
    try (Cluster first = Cluster.of(1)) {
      int taken = first.aggregator().endpoint().port();
      SparkConf conf =
          Cluster.plain()
              .set("spark.collimate.port", String.valueOf(taken))
              .set("spark.port.maxRetries", "20");
      try (Cluster second =
          new Cluster(AggregatorConfig.forWorkers(1), RegistrationPolicy.ANYONE, conf)) {
        assertThat(second.aggregator().endpoint().port()).isBetween(taken + 1, taken + 20);
      }
      conf.set("spark.port.maxRetries", "0");
      assertThatThrownBy(
              () -> new Cluster(AggregatorConfig.forWorkers(1), RegistrationPolicy.ANYONE, conf))
          .isInstanceOf(CollimateException.class)
          .hasMessageStartingWith(
              "cannot listen on 127.0.0.1, ports " + taken + " to " + taken + ": ")
          .hasMessageEndingWith(
              "; see spark.driver.bindAddress, spark.collimate.port and spark.port.maxRetries");
    }
  }

  @Test
  void theEndpointsTextKeepsTheToken() {
    Endpoint endpoint = Endpoint.withRandomToken("driver", 7);
    assertThat(endpoint).hasToString("driver:7");
  }

  private static SparkConf secured(String kind) {
    SparkConf conf =
        Cluster.plain()
            .set("spark.authenticate", "true")
            .set("spark.authenticate.secret", "a secret of this test");
    return switch (kind) {
      case "saslEncrypted" -> conf.set("spark.authenticate.enableSaslEncryption", "true");
      case "aes" -> conf.set("spark.network.crypto.enabled", "true");
      case "aesAuthEngine2" ->
          conf.set("spark.network.crypto.enabled", "true")
              .set("spark.network.crypto.authEngineVersion", "2");
      default -> conf;
    };
  }

  private static Path keyStore(Path folder) throws Exception {
    Path store = folder.resolve("keys.p12");
    if (!Files.exists(store)) {
      List<String> command =
          List.of(
              Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
              "-genkeypair",
              "-keystore",
              store.toString(),
              "-storetype",
              "PKCS12",
              "-storepass",
              "changeit",
              "-keyalg",
              "EC",
              "-alias",
              "driver",
              "-dname",
              "CN=127.0.0.1",
              "-ext",
              "SAN=ip:127.0.0.1");
      assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }
    return store;
  }

  private static void assertServes(Cluster cluster) {
    cluster.add(place -> new KnownVectors.Task());
    StepResult step = cluster.aggregator().step(1, PARAMETERS, KnownVectors.payloads(3));
    assertThat(ResultHash.of(step.gradient(), new byte[0]))
        .isEqualTo(ResultHash.of(KnownVectors.sum(3, PARAMETERS), new byte[0]));
    assertThat(step.leaves()).hasSize(3);
  }

  private interface Words {
    void say(TransportClient client, Silence silence);
  }

  /** Says something without having proved the token, and waits for the connection's end. */
  private static void assertCloses(Cluster cluster, Words words) throws Exception {
    SparkTransport transport = Cluster.transport(Cluster.plain());
    Endpoint endpoint = cluster.aggregator().endpoint();
    try (TransportContext context = transport.context();
        TransportClientFactory factory = context.createClientFactory(List.of());
        TransportClient client = factory.createUnmanagedClient(endpoint.host(), endpoint.port())) {
      Silence silence = new Silence();
      words.say(client, silence);
      RawWorker.awaitClosed(client);
      silence.assertKept();
    }
  }

  private static int readUntilClosed(InputStream in) {
    int count = 0;
    try {
      while (in.read() >= 0) {
        count++;
      }
    } catch (IOException e) {
      // A reset is a close too.
      return count;
    }
    return count;
  }

  /** Hears whether the driver has said anything at all. */
  private static final class Silence implements RpcResponseCallback, StreamCallbackWithID {
    private final AtomicBoolean answered = new AtomicBoolean();

    private void assertKept() {
      assertThat(answered).as("the driver has answered").isFalse();
    }

    @Override
    public void onSuccess(ByteBuffer response) {
      answered.set(true);
    }

    @Override
    public void onFailure(Throwable failure) {
      // Expected: the connection is closed.
    }

    @Override
    public String getID() {
      return "silence";
    }

    @Override
    public void onData(String streamId, ByteBuffer data) {
      answered.set(true);
    }

    @Override
    public void onComplete(String streamId) {
      answered.set(true);
    }

    @Override
    public void onFailure(String streamId, Throwable cause) {
      // Expected: the connection is closed.
    }
  }

  private static final class OtherSecret implements SecretKeyHolder {
    @Override
    public String getSaslUser(String appId) {
      return "sparkSaslUser";
    }

    @Override
    public String getSecretKey(String appId) {
      return "another secret";
    }
  }
}
