package dev.collimate.cli;

import dev.collimate.CollimateException;
import dev.collimate.report.MetricsLog;
import dev.collimate.report.PowerLaw;
import dev.collimate.report.RunManifest;
import dev.collimate.storage.Storage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code scaling}: how a held-out loss falls with the rows trained on. */
@Command(
    name = "scaling",
    mixinStandardHelpOptions = true,
    description = {
      "Fits loss(n) = c * n^-gamma to the evaluations of runs, n rows trained on; by least squares of"
          + " the logarithms."
    })
final class ScalingCommand implements Callable<Integer> {

  @Parameters(arity = "1..*", paramLabel = "RUN", description = "Run directories.")
  private List<String> runs;

  @Option(
      names = "--metric",
      defaultValue = "eval_loss",
      paramLabel = "NAME",
      description = "What is fitted (default: ${DEFAULT-VALUE}).")
  private String metric;

  @Mixin private OutputOptions result;

  @Override
  public Integer call() throws IOException {
    List<PowerLaw.Point> points = new ArrayList<>();
    for (String run : runs) {
      points.addAll(points(run));
    }
    PowerLaw law = PowerLaw.fit(points);
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("gamma", law.gamma());
    values.put("c", law.c());
    values.put("r2", law.r2());
    Map<String, Double> measured = new LinkedHashMap<>();
    points.forEach(point -> measured.put("%.0f".formatted(point.pairs()), point.loss()));
    values.put(metric + "_by_rows", measured);
    result.print(values);
    return 0;
  }

  private List<PowerLaw.Point> points(String run) throws IOException {
    Configuration configuration = HadoopFiles.configuration();
    Path directory = new Path(Storage.absolute("RUN", run, configuration));
    Storage storage = Storage.of(directory, configuration);
    int batch = globalBatchSize(run, storage, directory);
    List<PowerLaw.Point> points = new ArrayList<>();
    for (Map<String, Object> line :
        MetricsLog.read(storage, new Path(directory, "metrics.jsonl"))) {
      if (line.get(metric) instanceof Number loss
          && line.get("step") instanceof Number step
          && step.longValue() > 0) {
        points.add(new PowerLaw.Point(step.doubleValue() * batch, loss.doubleValue()));
      }
    }
    if (points.isEmpty()) {
      throw CollimateException.usage(
          "RUN: '%s' has no evaluation with '%s' after its first step; set train.eval_steps, or name another --metric"
              .formatted(run, metric));
    }
    return points;
  }

  private static int globalBatchSize(String run, Storage storage, Path directory)
      throws IOException {
    return RunManifest.read(storage, new Path(directory, "manifest.json"))
        .map(manifest -> manifest.runFile().get("train"))
        .map(train -> ((Map<?, ?>) train).get("global_batch_size"))
        .map(size -> ((Number) size).intValue())
        .orElseThrow(
            () ->
                CollimateException.usage(
                    "RUN: '%s' has no manifest.json; name a run's output".formatted(run)));
  }
}
