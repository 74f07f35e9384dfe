package dev.collimate.train;

import dev.collimate.CollimateException;
import dev.collimate.reward.PromptMixer;
import dev.collimate.reward.RewardChoice;
import dev.collimate.reward.RewardOutcome;
import dev.collimate.storage.Storage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** The mixer of a run's rewards. The run keeps a copy, so that it goes on with no other one. */
final class RunMixer {

  private static final String KEY = "rollout.reward_mixer";

  private final Path folder;
  private final Configuration configuration;

  /**
   * @param folder where the copy is
   */
  RunMixer(Path folder, Configuration configuration) {
    this.folder = folder;
    this.configuration = configuration;
  }

  /**
   * Reads the mixer.
   *
   * @param rewards that it must be of, in their order
   * @throws CollimateException of kind USAGE where the file is missing, no mixer, of other rewards,
   *     or another one than the run began with
   */
  PromptMixer read(String file, List<RewardChoice> rewards) {
    Path path = new Path(file);
    Path copy = new Path(folder, "reward-mixer.json");
    try {
      byte[] content = Storage.of(path, configuration).read(path);
      PromptMixer mixer =
          PromptMixer.ofJson(new String(content, StandardCharsets.UTF_8), KEY, file);
      requireOf(mixer, rewards);
      Storage storage = Storage.of(copy, configuration);
      if (!storage.exists(copy)) {
        storage.replace(copy, content);
      } else if (!Arrays.equals(storage.readReplaced(copy), content)) {
        throw CollimateException.usage(
            "%s: '%s' is not the mixer that the run began with, '%s'; bring that back, or choose another output"
                .formatted(KEY, file, copy));
      }
      return mixer;
    } catch (FileNotFoundException e) {
      throw new CollimateException(
          CollimateException.Kind.USAGE,
          "%s: there is no file '%s'; collimate mix writes one".formatted(KEY, file),
          e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read '" + file + "'", e);
    }
  }

  private static void requireOf(PromptMixer mixer, List<RewardChoice> rewards) {
    List<String> labels = rewards.stream().map(RewardChoice::label).toList();
    if (!mixer.rewards().equals(labels) || labels.contains(RewardOutcome.MIXED)) {
      throw CollimateException.usage(
          "%s: is of the rewards %s, the run file names %s; give them the same labels in the same order"
              .formatted(KEY, mixer.rewards(), labels));
    }
  }
}
