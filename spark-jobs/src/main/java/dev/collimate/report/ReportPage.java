package dev.collimate.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.mustachejava.DefaultMustacheFactory;
import com.github.mustachejava.Mustache;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * {@code report.html}: one file that shows a run, made of its manifest and its metrics alone, with
 * no link to anything outside.
 */
public final class ReportPage {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String WEBJAR = "/META-INF/resources/webjars/uplot/%s/dist/%s";

  private ReportPage() {}

  /**
   * The page.
   *
   * @param manifest of the run, in any state
   * @param metrics lines of metrics.jsonl
   */
  public static String html(RunManifest manifest, List<Map<String, Object>> metrics) {
    return html(manifest, metrics, List.of());
  }

  /**
   * The page of a run on completions that the policy wrote.
   *
   * @param rollouts some of them, the last ones
   */
  public static String html(
      RunManifest manifest, List<Map<String, Object>> metrics, List<RolloutSample> rollouts) {
    Mustache template =
        new DefaultMustacheFactory()
            .compile(new StringReader(resource("report.mustache")), "report.mustache");
    String version = uplotVersion();
    List<Chart> charts = Charts.of(metrics);
    List<RewardCounts> rewards = RewardCounts.of(metrics);
    Map<String, Object> scope =
        Map.of(
            "hasRewards",
            !rewards.isEmpty(),
            "rewards",
            rewards,
            "page",
            ReportContent.of(manifest, metrics),
            "hasRollouts",
            !rollouts.isEmpty(),
            "rollouts",
            rollouts,
            "rolloutLabels",
            rollouts.isEmpty() ? List.of() : rollouts.get(0).labels(),
            "hasCharts",
            !charts.isEmpty(),
            "style",
            resource(WEBJAR.formatted(version, "uPlot.min.css")) + resource("report.css"),
            "script",
            resource(WEBJAR.formatted(version, "uPlot.iife.min.js")) + resource("report.js"),
            "charts",
            scriptJson(charts));
    StringWriter page = new StringWriter();
    template.execute(page, scope);
    return page.toString();
  }

  /** JSON that no text in it can end the script element of. */
  private static String scriptJson(Object value) {
    try {
      return JSON.writeValueAsString(value).replace("<", "\\u003c");
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String uplotVersion() {
    Properties versions = new Properties();
    try (InputStream in = ReportPage.class.getResourceAsStream("scripts.properties")) {
      versions.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return versions.getProperty("uplot.version");
  }

  private static String resource(String name) {
    try (InputStream in = ReportPage.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
