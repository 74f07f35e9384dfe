package dev.collimate.aggregate;

import dev.collimate.CollimateException;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.network.TransportContext;
import org.apache.spark.network.client.TransportClientBootstrap;
import org.apache.spark.network.client.TransportClientFactory;
import org.apache.spark.network.crypto.AuthClientBootstrap;
import org.apache.spark.network.crypto.AuthServerBootstrap;
import org.apache.spark.network.sasl.SecretKeyHolder;
import org.apache.spark.network.server.NoOpRpcHandler;
import org.apache.spark.network.server.TransportServer;
import org.apache.spark.network.server.TransportServerBootstrap;
import org.apache.spark.network.util.ConfigProvider;
import org.apache.spark.network.util.TransportConf;
import scala.Tuple2;

/** Spark's transport with Spark's own security settings, on both sides. */
final class SparkTransport {

  private static final String MODULE = "collimate";

  private final Map<String, String> settings = new HashMap<>();
  private final TransportConf conf;
  private final SecretKeyHolder secrets;
  private final String user;

  /**
   * @param sparkVersion decides which settings can be given
   * @param secrets Spark's security manager
   */
  SparkTransport(SparkConf spark, String sparkVersion, SecretKeyHolder secrets) {
    this.secrets = secrets;
    for (Tuple2<String, String> entry : spark.getAll()) {
      settings.put(entry._1(), entry._2());
    }
    settings.putIfAbsent("spark.collimate.io.serverThreads", threads());
    settings.putIfAbsent("spark.collimate.io.clientThreads", threads());
    settings.putIfAbsent("spark.collimate.io.connectionCreationTimeout", "10s");
    // Ciphers work on 8 KiB at a time by default, which blocks of vectors pay for.
    settings.putIfAbsent("spark.network.crypto.config.stream.buffer.size", "65536");
    // No peer of ours needs the older protocol, so a stripped handshake must not lead to it.
    settings.put("spark.network.crypto.saslFallback", "false");
    this.conf = new TransportConf(MODULE, new Settings(settings));
    this.user = spark.get("spark.app.id", MODULE);
    refuseBrokenCipher(sparkVersion);
    if (asksForTls() && sparkVersion.startsWith("3.")) {
      throw CollimateException.usage(
          "spark.ssl.rpc.enabled: Spark "
              + sparkVersion
              + " has no TLS between driver and executors; use spark.network.crypto.enabled");
    }
  }

  /** The running executor's or driver's. */
  static SparkTransport ofThisJvm() {
    SparkEnv env = SparkEnv.get();
    return new SparkTransport(
        env.conf(), org.apache.spark.package$.MODULE$.SPARK_VERSION(), env.securityManager());
  }

  boolean isAuthenticated() {
    return Boolean.parseBoolean(settings.getOrDefault("spark.authenticate", "false"));
  }

  boolean isEncrypted() {
    return asksForTls()
        || (isAuthenticated() && (conf.encryptionEnabled() || conf.saslEncryption()));
  }

  TransportContext context() {
    return new TransportContext(conf, new NoOpRpcHandler());
  }

  /**
   * Binds the first free port of the range that Spark's own servers would try.
   *
   * @param connections makes the handler of each connection
   */
  TransportServer listen(
      TransportContext context, String address, int port, TransportServerBootstrap connections) {
    // Each bootstrap wraps the one before, so Spark's authentication comes first on the wire.
    List<TransportServerBootstrap> bootstraps = new ArrayList<>();
    bootstraps.add(connections);
    if (isAuthenticated()) {
      bootstraps.add(new AuthServerBootstrap(conf, secrets));
    }
    int tries = port == 0 ? 1 : conf.portMaxRetries() + 1;
    Exception last = null;
    for (int i = 0; i < tries && port + i < 65_536; i++) {
      try {
        return context.createServer(address, port == 0 ? 0 : port + i, bootstraps);
      } catch (Exception e) {
        // Netty throws bind's IOException without declaring it.
        last = e;
      }
    }
    String ports = port == 0 ? "any port" : "ports " + port + " to " + (port + tries - 1);
    throw new CollimateException(
        CollimateException.Kind.RESOURCES,
        "cannot listen on "
            + address
            + ", "
            + ports
            + ": "
            + last
            + "; see spark.driver.bindAddress, spark.collimate.port and spark.port.maxRetries",
        last);
  }

  TransportClientFactory clients(TransportContext context, Endpoint endpoint) {
    List<TransportClientBootstrap> bootstraps = new ArrayList<>();
    // Before anything is read, for the first read settles what buffers are like.
    bootstraps.add((client, channel) -> channel.config().setRecvByteBufAllocator(receiveBuffers()));
    if (isAuthenticated()) {
      bootstraps.add(new AuthClientBootstrap(conf, user, secrets));
    }
    bootstraps.add(new ProofBootstrap(endpoint));
    return context.createClientFactory(bootstraps);
  }

  /** Blocks of vectors are larger than what Netty reads by default, 64 KiB at a time. */
  static RecvByteBufAllocator receiveBuffers() {
    return new AdaptiveRecvByteBufAllocator(2_048, 65_536, 262_144);
  }

  private boolean asksForTls() {
    return Boolean.parseBoolean(settings.getOrDefault("spark.ssl.rpc.enabled", "false"));
  }

  private void refuseBrokenCipher(String sparkVersion) {
    String cipher = conf.cipherTransformation().toUpperCase(Locale.ROOT);
    if (conf.encryptionEnabled() && cipher.startsWith("AES/GCM") && !hasWorkingGcm(sparkVersion)) {
      throw CollimateException.usage(
          "spark.network.crypto.cipher: '"
              + conf.cipherTransformation()
              + "' loses messages on Spark "
              + sparkVersion
              + " (SPARK-56227); use AES/CTR/NoPadding");
    }
  }

  /** Mended in 3.5.9; in no 4.x release known to this version of Collimate. */
  static boolean hasWorkingGcm(String sparkVersion) {
    return sparkVersion.matches("3\\.5\\.(9|[1-9]\\d+).*");
  }

  private static String threads() {
    return String.valueOf(Math.min(4, Math.max(2, Runtime.getRuntime().availableProcessors())));
  }

  private static final class Settings extends ConfigProvider {
    private final Map<String, String> values;

    private Settings(Map<String, String> values) {
      this.values = values;
    }

    @Override
    public String get(String name) {
      String value = values.get(name);
      if (value == null && name.startsWith("spark.ssl.rpc.") && !name.endsWith(".enabled")) {
        // As in Spark, what is not said for rpc holds from the settings for all of TLS.
        value = values.get("spark.ssl." + name.substring("spark.ssl.rpc.".length()));
      }
      if (value == null) {
        throw new NoSuchElementException(name);
      }
      return value;
    }

    @Override
    public Iterable<Map.Entry<String, String>> getAll() {
      return values.entrySet();
    }
  }
}
