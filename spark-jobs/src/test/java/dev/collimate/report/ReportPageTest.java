package dev.collimate.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.data.Accounting;
import dev.collimate.report.RunManifest.Failure;
import dev.collimate.report.RunManifest.Sample;
import dev.collimate.report.RunManifest.State;
import dev.collimate.storage.PublishedFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ReportPageTest {

  static RunManifest manifest() {
    Map<String, Object> run = new LinkedHashMap<>();
    run.put("model", "hdfs:///models/gsm8k-sft");
    run.put("objective", Map.of("name", "dpo", "beta", 0.1));
    run.put("adapter", Map.of("r", 16));
    Accounting.Source train =
        new Accounting.Source(
            "hdfs:///data/pairs.jsonl",
            2984,
            0,
            2950,
            0,
            new TreeMap<>(Map.of("identical_pair", 30L, "empty_completion", 4L)),
            0,
            0,
            new TreeMap<>(Map.of("truncated", 210L, "boundary_merge", 12L)));
    Accounting.Source eval =
        new Accounting.Source(
            "hdfs:///data/held-out.jsonl", 290, 0, 0, 290, new TreeMap<>(), 0, 0, new TreeMap<>());
    return RunManifest.started(
            Map.of("collimate", "0.1.0", "spark", "4.1.1", "java", "17"),
            run,
            Map.of("parameters", 3_012_224L, "fingerprint", "9f2c"))
        .withAccounting(new Accounting(List.of(train, eval)))
        .withTraining(
            Map.of("steps", 93L, "seconds", 181.5),
            Map.of("cpu", "AMD EPYC", "libtorch", "2.7.1", "threads", "1"),
            /* isExact= */ true)
        .withEvaluation(
            Map.of(
                RunManifest.BEFORE,
                Map.of("eval_loss", 0.6931, "eval_rewards/accuracies", 0.0),
                RunManifest.AFTER,
                Map.of("eval_loss", 0.6012, "eval_rewards/accuracies", 0.7103)),
            List.of(
                new Sample(
                    "How many apples are 3 + 4?", "There are 12 apples\nA: 12", "3+4 = 7\nA: 7"),
                new Sample("</script><b>x</b>", "a & b", "{{not a tag}}")))
        .withFiles(List.of(new PublishedFile("model/model.safetensors", 12_058_624, "ab12")))
        .withState(State.COMPLETE, Failure.NONE);
  }

  /** Lines as a run of 400 steps writes them. */
  static List<Map<String, Object>> metrics() {
    Random random = new Random(7);
    List<Map<String, Object>> lines = new ArrayList<>();
    for (int step = 1; step <= 400; step++) {
      double done = step / 400.0;
      double noise = random.nextGaussian();
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("step", step);
      line.put("epoch", done);
      line.put("loss", 0.693 - 0.2 * done + 0.03 * noise);
      line.put("grad_norm", 2 + 0.5 * Math.abs(random.nextGaussian()));
      line.put("learning_rate", 1e-5 * (1 - done));
      line.put("rewards/chosen", 0.3 * done + 0.05 * noise);
      line.put("rewards/rejected", -0.5 * done + 0.05 * random.nextGaussian());
      line.put("rewards/margins", 0.8 * done + 0.05 * noise);
      line.put("rewards/accuracies", 0.5 + 0.3 * done + 0.05 * noise);
      line.put("entropy", 1.9 - 0.1 * done);
      line.put("num_tokens", step * 9000);
      line.put("tokens_per_second", 4100 + 200 * random.nextGaussian());
      line.put("step_seconds", 2.2 + 0.1 * Math.abs(noise));
      line.put("compute_seconds", 1.9);
      line.put("pull_seconds", 0.05);
      line.put("push_seconds", 0.4);
      line.put("update_seconds", 0.03);
      lines.add(line);
      if (step % 100 == 0) {
        lines.add(
            Map.of(
                "step",
                step,
                "eval_loss",
                0.69 - 0.15 * done,
                "eval_rewards/accuracies",
                0.5 + 0.2 * done));
      }
    }
    return lines;
  }

  @Test
  void thePageNeedsNothingFromOutside() {
    String page = ReportPage.html(manifest(), metrics());
    assertThat(page)
        .doesNotContainPattern("(src|href)\\s*=")
        .doesNotContain("@import")
        .doesNotContainPattern("url\\(");
  }

  @Test
  void thePageShowsWhatTheRunDid() throws IOException {
    String page = ReportPage.html(manifest(), metrics());
    assertThat(page)
        .contains("<h1>DPO with an adapter</h1>")
        .contains("71.0 %")
        .contains("was 0.0 % before training")
        .contains("<td>identical_pair</td>")
        .contains("<td>boundary_merge</td>")
        .contains("There are 12 apples&#10;A: 12")
        .contains("beta: 0.1")
        .contains("11.5 MiB")
        .contains("exact: bit for bit repeatable");
    String directory = System.getProperty("collimate.report.directory");
    if (directory != null) {
      Files.writeString(Path.of(directory, "report.html"), page);
    }
  }

  @Test
  void textOfRowsCannotBecomeMarkup() {
    String page = ReportPage.html(manifest(), metrics());
    assertThat(page)
        .contains("&lt;/script&gt;&lt;b&gt;x&lt;/b&gt;")
        .contains("a &amp; b")
        .contains("{{not a tag}}")
        .doesNotContain("<b>x</b>");
  }

  @Test
  void aMetricThatIsNewGetsAChart() {
    assertThat(chartTitles(ReportPage.html(manifest(), metrics())))
        .containsExactly(
            "Loss",
            "Rewards",
            "Reward margin",
            "Pair accuracy",
            "Gradient norm",
            "Learning rate",
            "Step time",
            "Throughput",
            "entropy");
  }

  @Test
  void aRunThatFailedBeforeItsFirstStepHasAPage() {
    RunManifest failed =
        RunManifest.started(Map.of(), Map.of("model", "m"), Map.of())
            .withState(State.FAILED, new Failure(3, "DATA", "data.train: no rows are left"));
    assertThat(ReportPage.html(failed, List.of()))
        .contains("data.train: no rows are left")
        .contains("badge failed")
        .doesNotContain("id=\"charts\"");
  }

  @Test
  void partsOfAStepAddUpToItAndHiddenPushesTakeNoTime() {
    Chart chart =
        Charts.of(
                List.of(
                    Map.of(
                        "step",
                        1,
                        "step_seconds",
                        2.0,
                        "compute_seconds",
                        1.5,
                        "push_seconds",
                        1.0,
                        "pull_seconds",
                        0.25,
                        "update_seconds",
                        0.125)))
            .get(0);
    assertThat(chart.series().stream().map(Chart.Series::label))
        .containsExactly("pull", "compute", "push", "update", "wait");
    assertThat(chart.series().stream().map(series -> series.values().get(0)))
        .containsExactly(0.25, 1.5, 0.125, 0.125, 0.0);
  }

  @Test
  void longRunsAreThinnedAndKeepTheirEvaluations() {
    List<Map<String, Object>> lines = new ArrayList<>();
    for (int step = 1; step <= 10_000; step++) {
      lines.add(Map.of("step", step, "loss", 1.0 / step));
    }
    lines.add(Map.of("step", 4_999, "eval_loss", 0.5));
    Chart loss = Charts.of(lines).get(0);
    assertThat(loss.x()).hasSizeLessThan(2_010).contains(1.0, 4_999.0, 10_000.0);
    assertThat(loss.note()).isEqualTo("mean over each logging window; one line of 5 drawn");
  }

  private static List<String> chartTitles(String page) {
    Matcher titles = Pattern.compile("\"title\":\"([^\"]*)\"").matcher(page);
    List<String> found = new ArrayList<>();
    while (titles.find()) {
      found.add(titles.group(1));
    }
    return found;
  }
}
