package dev.collimate.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.Fixtures;
import java.io.IOException;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("fixtures")
class EncodeCasesTest {

  @Test
  void everyTextHasTheExpectedIdsAndSpans() throws IOException {
    JsonNode cases = Fixtures.json("data/encode-cases.json").get("cases");
    int run = 0;
    SoftAssertions softly = new SoftAssertions();
    try (Tokenizer plain = Fixtures.tokenizer("gsm8k-bpe-2k");
        Tokenizer withBos = Fixtures.tokenizer("gsm8k-bpe-2k-bos")) {
      for (JsonNode one : cases) {
        String text = one.get("text").asText();
        int[] ids = Fixtures.ints(one.get("ids"));
        softly.assertThat(plain.encode(text)).as(text).isEqualTo(ids);
        softly
            .assertThat(withBos.encodeWithSpecialTokens(text))
            .as(text)
            .isEqualTo(Fixtures.ints(one.get("ids_bos")));
        softly.assertThat(withBos.encode(text)).as(text).isEqualTo(ids);
        softly.assertThat(plain.decode(ids)).as(text).isEqualTo(text);
        TokenSpans spans = plain.encodeWithSpans(text);
        softly.assertThat(spans.ids()).as(text).isEqualTo(ids);
        for (int i = 0; i < ids.length; i++) {
          softly
              .assertThat(new int[] {spans.starts()[i], spans.ends()[i]})
              .as("span %d of %s", i, text)
              .isEqualTo(Fixtures.ints(one.get("offsets").get(i)));
        }
        run++;
      }
    }
    System.out.printf("encode-cases: %d run, 0 skipped%n", run);
    softly.assertAll();
    assertThat(run).isPositive();
  }
}
