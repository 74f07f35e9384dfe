package dev.collimate.generate;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.Fixtures;
import dev.collimate.nn.Decoder;
import dev.collimate.nn.DecoderOptions;
import dev.collimate.nn.ModelFixture;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** Greedy tokens of every fixture are those of transformers' {@code generate}. */
@Tag("fixtures")
class GenerationFixtureTest {

  @TestFactory
  Stream<DynamicTest> greedyTokensAreTransformers() throws IOException {
    return ModelFixture.eachSupported("greedy, one by one", model -> () -> checkSingle(model));
  }

  @TestFactory
  Stream<DynamicTest> aLeftPaddedBatchGivesTheSameTokens() throws IOException {
    return ModelFixture.eachSupported("greedy, batched", model -> () -> checkBatch(model));
  }

  @TestFactory
  Stream<DynamicTest> generationStopsWithTheEosToken() throws IOException {
    return ModelFixture.eachSupported("greedy, eos", model -> () -> checkEos(model));
  }

  @TestFactory
  Stream<DynamicTest> anAdaptedModelsGreedyTokensArePefts() throws IOException {
    return ModelFixture.eachWith(
        "expected_adapter.json", "greedy, adapted", model -> () -> checkAdapted(model));
  }

  private static void checkAdapted(ModelFixture model) {
    JsonNode expected = model.json("expected_adapter.json").get("generation");
    try (Decoder decoder = model.adapted(DecoderOptions.frozen())) {
      List<int[]> prompt = List.of(Fixtures.ints(expected.get("prompt")));
      SamplingParams params = SamplingParams.greedy(expected.get("max_new_tokens").asInt());
      assertThat(tokens(decoder, prompt, params, -1).get(0))
          .containsExactly(Fixtures.ints(expected.get("greedy_ignoring_eos")));
    }
  }

  private static void checkSingle(ModelFixture model) {
    JsonNode expected = model.json("expected.json").get("generation");
    try (Decoder decoder = model.decoder(DecoderOptions.frozen())) {
      List<int[]> prompts = prompts(expected);
      for (int i = 0; i < prompts.size(); i++) {
        SamplingParams params =
            SamplingParams.greedy(expected.get("max_new_tokens").asInt()).ignoringEos();
        assertThat(tokens(decoder, List.of(prompts.get(i)), params, 2).get(0))
            .containsExactly(Fixtures.ints(expected.get("greedy_ignoring_eos").get(i)));
      }
    }
  }

  private static void checkBatch(ModelFixture model) {
    JsonNode expected = model.json("expected.json").get("generation");
    try (Decoder decoder = model.decoder(DecoderOptions.frozen())) {
      SamplingParams params =
          SamplingParams.greedy(expected.get("max_new_tokens").asInt()).ignoringEos();
      List<int[]> tokens = tokens(decoder, prompts(expected), params, 2);
      JsonNode batched = expected.get("left_padded_batch").get("greedy_ignoring_eos");
      for (int i = 0; i < tokens.size(); i++) {
        assertThat(tokens.get(i)).containsExactly(Fixtures.ints(batched.get(i)));
      }
    }
  }

  private static void checkEos(ModelFixture model) {
    JsonNode expected = model.json("expected.json").get("generation");
    JsonNode withEos = expected.get("with_eos");
    try (Decoder decoder = model.decoder(DecoderOptions.frozen())) {
      SamplingParams params = SamplingParams.greedy(expected.get("max_new_tokens").asInt());
      int eos = withEos.get("eos_token_id").asInt();
      List<int[]> tokens = tokens(decoder, prompts(expected), params, eos);
      for (int i = 0; i < tokens.size(); i++) {
        assertThat(tokens.get(i))
            .containsExactly(Fixtures.ints(withEos.get("greedy_up_to_and_with_eos").get(i)));
      }
    }
  }

  private static List<int[]> tokens(
      Decoder decoder, List<int[]> prompts, SamplingParams params, int eos) {
    return new Generator(decoder, new int[] {eos})
        .generate(prompts, Collections.nCopies(prompts.size(), 0L), params).stream()
            .map(Completion::ids)
            .toList();
  }

  private static List<int[]> prompts(JsonNode generation) {
    List<int[]> prompts = new ArrayList<>();
    generation.get("prompts").forEach(prompt -> prompts.add(Fixtures.ints(prompt)));
    return prompts;
  }
}
