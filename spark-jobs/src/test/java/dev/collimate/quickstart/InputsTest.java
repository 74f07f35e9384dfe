package dev.collimate.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.config.RunConfig;
import dev.collimate.files.LocalFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class InputsTest {

  @TempDir Path folder;

  @Test
  void rowsTokenizerAndModelAreWrittenOnce() throws IOException {
    AdditionData data = AdditionData.draw(4);
    Inputs inputs = new Inputs(new org.apache.hadoop.fs.Path(folder.toUri()), new Configuration());

    inputs.write(data, 4);
    inputs.write(data, 4);

    List<String> pairs = Files.readAllLines(folder.resolve("input/pairs.jsonl"));
    Addition first = data.heldOut().stream().filter(Addition::carries).findFirst().orElseThrow();
    assertThat(pairs.get(0))
        .isEqualTo(
            "{\"prompt\":\"%s\",\"chosen\":\"%s\",\"rejected\":\"%s\"}"
                .formatted(first.prompt(), first.worked(), first.faulty()));
    assertThat(folder.resolve("input/README.md")).content().contains("demonstrations.jsonl");
    try (ModelFolder model = ModelFolder.open(LocalFolder.existing(folder.resolve("base")))) {
      assertThat(model.hasTokenizer()).isTrue();
      assertThat(model.layout().parameters().size()).isBetween(600_000L, 700_000L);
    }
  }

  @Test
  void anotherSeedNeedsAnotherDirectory() throws IOException {
    Inputs inputs = new Inputs(new org.apache.hadoop.fs.Path(folder.toUri()), new Configuration());
    inputs.write(AdditionData.draw(4), 4);

    assertThatThrownBy(() -> inputs.write(AdditionData.draw(5), 5))
        .isInstanceOf(CollimateException.class)
        .hasMessageContaining("holds a quick start of another --seed");
  }

  @ParameterizedTest
  @EnumSource
  void everyStageIsARunFile(Stage stage) {
    RunConfig run = stage.run("/tmp/it's here", 7, 2);

    assertThat(run.output()).isEqualTo("/tmp/it's here/" + stage.directory());
    assertThat(run.seed()).isEqualTo(7);
    assertThat(run.objective().name()).isEqualTo(stage == Stage.DPO ? "dpo" : "sft");
  }
}
