package dev.collimate.integration;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Held-out rows are evaluated row by row, so that executors do not change a digit. */
class EvaluationIT {

  @TempDir private Path folder;

  @Test
  void preferencesHeldOutOfDpo() throws IOException {
    TinyRun tiny = TinyRun.in(folder, 24);

    JsonNode one = run(tiny, "one", 1, "");
    JsonNode two = run(tiny, "two", 2, "");

    assertSameEvaluation(one, two);
    JsonNode after = one.at("/evaluation/after");
    assertThat(after.get("eval_rewards/accuracies").asDouble()).isBetween(0.0, 1.0);
    assertThat(one.at("/evaluation/before/eval_rewards/margins").asDouble()).isZero();
    assertThat(one.at("/samples/0/prompt").asText()).isNotEmpty();
  }

  @Test
  @Tag("slow")
  void textsHeldOutOfSft() throws IOException {
    TinyRun tiny = TinyRun.in(folder, 1);
    List<String> texts = new ArrayList<>();
    for (int row = 0; row < 24; row++) {
      texts.add("{\"text\": \"%s says row %d\"}".formatted("so ".repeat(row % 7), row));
    }
    Files.write(folder.resolve("texts.jsonl"), texts);

    JsonNode one = run(tiny, "one", 1, "texts.jsonl");
    JsonNode two = run(tiny, "two", 2, "texts.jsonl");

    assertSameEvaluation(one, two);
    assertThat(one.at("/evaluation/after/eval_loss").asDouble()).isPositive();
    assertThat(one.at("/samples/0/prompt").asText()).as("a text has no prompt").isEmpty();
  }

  private static void assertSameEvaluation(JsonNode one, JsonNode two) {
    for (String when : List.of("before", "after")) {
      JsonNode metrics = one.at("/evaluation/" + when);
      assertThat(metrics.size()).isGreaterThan(2);
      metrics
          .fieldNames()
          .forEachRemaining(
              name -> {
                if (!name.equals("eval_runtime")) {
                  assertThat(two.at("/evaluation/" + when).get(name))
                      .as("%s %s", when, name)
                      .isEqualTo(metrics.get(name));
                }
              });
    }
  }

  private static JsonNode run(TinyRun tiny, String name, int workers, String texts)
      throws IOException {
    String more =
        """
        train: {max_steps: 2, global_batch_size: 4, micro_batch_size: 2, learning_rate: 1.0e-3}
        report: {samples: 2}
        cluster: {workers: %d, threads: 1}
        """
            .formatted(workers);
    List<String> command = new ArrayList<>(List.of("run", tiny.runFile(name, more)));
    command.addAll(List.of("--set", "data.eval_fraction=0.5"));
    if (!texts.isEmpty()) {
      String train = "data.train=[{path: %s, format: json}]".formatted(tiny.path(texts));
      command.addAll(List.of("--set", "objective={name: sft}", "--set", train));
    }
    Finished finished =
        Launcher.ofBuild()
            .withSparkOptions("--master", "local-cluster[" + workers + ",1,1536]")
            .run(command.toArray(String[]::new));
    assertThat(finished.exitCode()).as(finished.transcript()).isZero();

    JsonNode manifest = tiny.manifest(name);
    assertThat(manifest.at("/training/steps").asInt()).isEqualTo(2);
    assertThat(manifest.get("samples")).hasSize(2);
    List<String> files = new ArrayList<>();
    manifest.get("files").forEach(file -> files.add(file.get("name").asText()));
    assertThat(files).contains("model/config.json", "report.html");
    String report = Files.readString(tiny.output(name).resolve("report.html"));
    assertThat(report).contains("model/config.json");
    return manifest;
  }
}
