package dev.collimate.config;

import dev.collimate.objective.ObjectiveOption;
import dev.collimate.reward.RewardFunctions;
import dev.collimate.reward.RewardLimits;
import dev.collimate.reward.RewardSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The guide's page of rewards says what the table of rewards does. */
class RewardReferenceTest {

  private static final double MILLIS = 1000;

  @Test
  void thePageListsEveryRewardAsItIs() throws IOException {
    StringBuilder text = new StringBuilder();
    RewardFunctions.built().forEach(spec -> text.append(section(spec)));
    new GeneratedPart(
            GeneratedPart.folder("model-runtime").resolve("rewards.md"), "rewards", getClass())
        .mustBe(text + "\n");
  }

  private static String section(RewardSpec spec) {
    StringBuilder text =
        new StringBuilder(
            "\n### `%s`\n\n%s\n\n%s. %s.\n"
                .formatted(spec.name(), spec.meaning(), spec.source(), runs(spec)));
    if (!spec.options().isEmpty()) {
      text.append("\n").append(GeneratedPart.KEYS);
      spec.options().forEach(option -> text.append(row(option)));
    }
    spec.options().stream()
        .filter(RewardReferenceTest::isLong)
        .forEach(
            option ->
                text.append(
                    "\nThe default of `%s`:\n\n```\n%s\n```\n"
                        .formatted(option.name(), option.usual())));
    return text.toString();
  }

  private static boolean isLong(ObjectiveOption option) {
    return option.usual().toString().contains("\n");
  }

  private static String row(ObjectiveOption option) {
    return isLong(option)
        ? "| `%s` | text | below | %s |\n".formatted(option.name(), option.meaning())
        : ObjectiveReferenceTest.row(option).replace("| `` |", "| empty |");
  }

  private static String runs(RewardSpec spec) {
    if (spec.runs() == RewardSpec.Runs.ON_EXECUTORS) {
      return "Computed on the executors";
    }
    RewardLimits limits = spec.limits();
    List<String> unusual = new ArrayList<>();
    if (!limits.timeout().equals(RewardLimits.USUAL.timeout())) {
      unusual.add("`timeout: %s`".formatted(limits.timeout().toMillis() / MILLIS));
    }
    if (limits.concurrency() != RewardLimits.USUAL.concurrency()) {
      unusual.add("`concurrency: %d`".formatted(limits.concurrency()));
    }
    return unusual.isEmpty()
        ? "Computed on the driver"
        : "Computed on the driver, by default with " + String.join(" and ", unusual);
  }
}
