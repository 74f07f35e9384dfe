package dev.collimate.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What objectives come near at some setting, where no test of their own shows it. */
class ObjectiveLimitsTest {

  /** An objective and its options. */
  private record Setting(String name, Map<String, Object> options) {

    double loss(TestRow... rows) {
      return TestBatch.first(Objectives.create(name, options), rows).loss();
    }
  }

  private static Setting of(String name, Object... options) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (int i = 0; i < options.length; i += 2) {
      values.put((String) options[i], options[i + 1]);
    }
    return new Setting(name, values);
  }

  /** A score of one half either way asks for SPPO's log-ratios; its squares are not halved. */
  @Test
  void gpoOfHalvesIsHalfOfSppo() {
    TestRow row =
        new TestRow("a")
            .tokens("chosen", -0.5, -1.5)
            .tokens("rejected", -1, -2, -4)
            .scalar("chosen_score", 0.5)
            .scalar("rejected_score", -0.5);
    double gpo = of("gpo", "beta", 0.25).loss(row);
    // ((-2 - 2)^2 + (-7 + 2)^2) / 2
    assertThat(gpo).isEqualTo(20.5);
    assertThat(2 * gpo).isEqualTo(of("dpo", "loss_type", "sppo_hard", "beta", 0.25).loss(row));
    assertThat(
            of("gpo", "beta", 0.25)
                .loss(row.scalar("chosen_score", -0.5).scalar("rejected_score", -1.75)))
        .as("nothing is to be learned where both log-ratios are the scores over beta")
        .isEqualTo(0);
  }

  /** The row's loss goes on along a line, whose slope is that of {@code -logp / tokens}. */
  @Test
  void poftFarBelowItsCommitteeImitates() {
    TestRow row =
        new TestRow("row").tokens("completion", -1, -2).scalar("mean_log_llm_probs", -1.2);
    TestBatch batch =
        TestBatch.first(Objectives.create("poft", Map.of("gamma", -60.0, "beta", 2.0)), row);
    batch.differentiate(batch.plan());
    assertThat(row.gradient("completion")).containsExactly(new double[] {-1, -1}, within(1e-12));
  }
}
