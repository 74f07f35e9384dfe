package dev.collimate.aggregate;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.spark.SparkConf;
import org.apache.spark.network.sasl.SecretKeyHolder;

/** An aggregator and workers in one JVM, with real sockets on the loopback address. */
final class Cluster implements AutoCloseable {

  static final SecretKeyHolder SECRETS =
      new SecretKeyHolder() {
        @Override
        public String getSaslUser(String appId) {
          return "sparkSaslUser";
        }

        @Override
        public String getSecretKey(String appId) {
          return "a secret of this test";
        }
      };

  private final SparkConf conf;
  private final Aggregator aggregator;
  private final List<Worker> workers = new ArrayList<>();

  Cluster(AggregatorConfig config, RegistrationPolicy policy, SparkConf conf) {
    this.conf = conf;
    this.aggregator = Aggregator.start(config, policy, conf, transport(conf));
  }

  static Cluster of(int workers) {
    return new Cluster(
        AggregatorConfig.forWorkers(workers).withWaits(20, 30), RegistrationPolicy.ANYONE, plain());
  }

  static SparkConf plain() {
    return new SparkConf(false).set("spark.driver.host", "127.0.0.1").set("spark.app.id", "app-1");
  }

  static SparkTransport transport(SparkConf conf) {
    return new SparkTransport(conf, org.apache.spark.package$.MODULE$.SPARK_VERSION(), SECRETS);
  }

  Aggregator aggregator() {
    return aggregator;
  }

  Worker add(WorkerTaskFactory tasks) {
    return add(tasks, aggregator.endpoint());
  }

  Worker add(WorkerTaskFactory tasks, Endpoint endpoint) {
    Worker worker = new Worker(tasks, endpoint, conf, workers.size());
    workers.add(worker);
    return worker;
  }

  @Override
  public void close() {
    aggregator.close();
    workers.forEach(Worker::kill);
    workers.forEach(Worker::end);
  }

  /** A worker on a thread of its own. */
  static final class Worker {
    private final AtomicBoolean killed = new AtomicBoolean();
    private final FutureTask<WorkerEnd> run;

    private Worker(WorkerTaskFactory tasks, Endpoint endpoint, SparkConf conf, int number) {
      WorkerPlace place =
          new WorkerPlace(String.valueOf(number), "127.0.0.1", ProcessHandle.current().pid());
      WorkerClient client = new WorkerClient(endpoint, tasks, place, transport(conf), killed::get);
      run = new FutureTask<>(client::run);
      Thread thread = new Thread(run, "worker-" + number);
      thread.setDaemon(true);
      thread.start();
    }

    void kill() {
      killed.set(true);
    }

    WorkerEnd end() {
      try {
        return run.get(20, TimeUnit.SECONDS);
      } catch (InterruptedException | ExecutionException | TimeoutException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
