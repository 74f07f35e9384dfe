package dev.collimate.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.collimate.CollimateException;
import dev.collimate.reward.RewardBatch;
import dev.collimate.reward.RewardChoice;
import dev.collimate.reward.RewardContext;
import dev.collimate.reward.RewardFailure;
import dev.collimate.reward.RewardFailure.Reason;
import dev.collimate.reward.RewardFunction;
import dev.collimate.reward.RewardLimits;
import dev.collimate.reward.RewardOutcome;
import dev.collimate.reward.RewardPage;
import dev.collimate.reward.Rewards;
import dev.collimate.reward.Rollout;
import dev.collimate.reward.RowReward;
import dev.collimate.storage.ObjectStore;
import dev.collimate.storage.Publication;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The journal of rewards on local files and on stores that rename file by file. */
class RewardJournalFilesTest {

  private static final RewardPage PAGE =
      new RewardPage(
          List.of("number_match", "judge"),
          List.of(
              line("a \"key\"\n", 0, new RowReward(List.of(0.1 + 0.2, Double.NaN), List.of())),
              line(
                  "b",
                  1,
                  new RowReward(
                      List.of(-1e-300, Double.NaN),
                      List.of(new RewardFailure("judge", Reason.TIMED_OUT, "took „long“"))))));

  private final Configuration configuration = ObjectStore.configuration();

  @TempDir private java.nio.file.Path folder;

  private static RewardPage.Line line(String prompt, int sample, RowReward reward) {
    return new RewardPage.Line(prompt, sample, "00ff", reward);
  }

  /** No other driver took the run over. */
  private static void isOurs() {}

  private RewardJournalFiles journal(String scheme, Runnable ownership) {
    return new RewardJournalFiles(
        new Path(scheme + "://" + folder.resolve("rollouts")), configuration, ownership);
  }

  private java.nio.file.Path file(long step) {
    return folder.resolve("rollouts").resolve("step-" + step + ".jsonl");
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", ObjectStore.UNKNOWN, ObjectStore.MOUNTED})
  void whatIsWrittenIsRead(String scheme) throws IOException {
    RewardJournalFiles journal = journal(scheme, RewardJournalFilesTest::isOurs);
    assertThat(journal.read(7)).isEmpty();
    journal.write(7, PAGE);
    assertThat(journal.read(7)).contains(PAGE);
    assertThat(journal.read(8)).isEmpty();
    assertThat(Files.readString(file(7))).contains("\"values\":[0.30000000000000004,null]");
  }

  @ParameterizedTest
  @ValueSource(strings = {ObjectStore.UNKNOWN, ObjectStore.MOUNTED})
  void aWriterThatDiesLeavesNoPage(String scheme) throws IOException {
    RewardJournalFiles journal = journal(scheme, RewardJournalFilesTest::isOurs);
    configuration.setBoolean(ObjectStore.WRITES_ARE_TORN, true);
    assertThatThrownBy(() -> journal.write(7, PAGE)).hasMessage("connection reset");
    assertThat(journal.read(7)).isEmpty();
    configuration.setBoolean(ObjectStore.WRITES_ARE_TORN, false);
    journal.write(7, PAGE);
    assertThat(journal.read(7)).contains(PAGE);
  }

  @Test
  void aRunThatAnotherDriverOwnsIsLeftAlone() {
    RewardJournalFiles journal =
        journal(
            "file",
            () -> {
              throw new IllegalStateException("taken over");
            });
    assertThatThrownBy(() -> journal.write(7, PAGE)).hasMessage("taken over");
    assertThat(folder.resolve("rollouts")).doesNotExist();
  }

  /** Every cut and every changed byte. */
  @Test
  void damageIsNoticedWhereverItIs() throws IOException {
    RewardJournalFiles journal = journal("file", RewardJournalFilesTest::isOurs);
    journal.write(7, PAGE);
    byte[] whole = Files.readAllBytes(file(7));
    for (int length = 0; length < whole.length - 1; length++) {
      Files.write(file(7), Arrays.copyOf(whole, length));
      assertDamaged(journal);
    }
    for (int i = 0; i < whole.length - 1; i++) {
      byte[] changed = whole.clone();
      changed[i] ^= 1;
      Files.write(file(7), changed);
      assertDamaged(journal);
    }
    Files.writeString(file(7), "{\"sha256\":\"" + sha256OfNothing() + "\"}\n");
    assertDamaged(journal);
    Files.write(file(7), whole);
    assertThat(journal.read(7)).contains(PAGE);
  }

  private static void assertDamaged(RewardJournalFiles journal) {
    assertThatThrownBy(() -> journal.read(7))
        .isInstanceOf(CollimateException.class)
        .hasMessageMatching(
            "'file:/.*/rollouts/step-7.jsonl' is damaged: its checksum does not fit; restore it, or"
                + " delete it to have the step scored again, whose result then is another");
  }

  private static String sha256OfNothing() {
    return HexFormat.of().formatHex(Publication.sha256().digest("".getBytes(UTF_8)));
  }

  @Test
  void aPageOfAnotherStepIsRefused() throws IOException {
    RewardJournalFiles journal = journal("file", RewardJournalFilesTest::isOurs);
    journal.write(6, PAGE);
    Files.move(file(6), file(7));
    assertDamaged(journal);
  }

  /** Draws lots. */
  public static final class Chance implements RewardFunction {
    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
      return batch.completions().stream()
          .map(completion -> OptionalDouble.of(ThreadLocalRandom.current().nextDouble()))
          .toList();
    }
  }

  @Test
  void aRunWithRewardsOfChanceIsExactGivenItsJournal() throws IOException {
    List<Rollout> rows =
        List.of(
            new Rollout("a", 0, "p", "c", new int[] {1, 2}, true, Map.of()),
            new Rollout("a", 1, "p", "d", new int[] {3}, false, Map.of()));
    List<RowReward> first = score(rows).rows();
    RewardOutcome resumed = score(rows);
    assertThat(resumed.replayed()).isTrue();
    assertThat(resumed.rows()).isEqualTo(first);
  }

  private RewardOutcome score(List<Rollout> rows) throws IOException {
    RewardContext context =
        new RewardContext() {
          @Override
          public Optional<String> secret(String name) {
            return Optional.empty();
          }

          @Override
          public RewardFunction model(String path) {
            throw new IllegalStateException("no executors here");
          }
        };
    RewardChoice chance =
        new RewardChoice(Chance.class.getName(), "chance", 1, RewardLimits.USUAL, Map.of());
    try (Rewards rewards =
        new Rewards(List.of(chance), context, journal("file", RewardJournalFilesTest::isOurs), 0)) {
      return rewards.score(3, rows);
    }
  }
}
