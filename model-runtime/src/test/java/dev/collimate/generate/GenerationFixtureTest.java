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
    return ModelFixture.eachSupported(
        "greedy, one by one",
        model ->
            () -> {
              JsonNode expected = model.json("expected.json").get("generation");
              List<int[]> oneByOne = new ArrayList<>();
              try (Decoder decoder = model.decoder(DecoderOptions.frozen())) {
                for (int[] prompt : all(expected.get("prompts"))) {
                  oneByOne.addAll(
                      tokens(decoder, List.of(prompt), greedy(expected).ignoringEos(), 2));
                }
              }
              assertThat(oneByOne)
                  .isNotEmpty()
                  .containsExactlyElementsOf(all(expected.get("greedy_ignoring_eos")));
            });
  }

  @TestFactory
  Stream<DynamicTest> aLeftPaddedBatchGivesTheSameTokens() throws IOException {
    return ModelFixture.eachSupported(
        "greedy, batched",
        model ->
            () -> {
              JsonNode expected = model.json("expected.json").get("generation");
              try (Decoder decoder = model.decoder(DecoderOptions.frozen())) {
                List<int[]> prompts = all(expected.get("prompts"));
                assertThat(tokens(decoder, prompts, greedy(expected).ignoringEos(), 2))
                    .isNotEmpty()
                    .containsExactlyElementsOf(
                        all(expected.at("/left_padded_batch/greedy_ignoring_eos")));
              }
            });
  }

  @TestFactory
  Stream<DynamicTest> generationStopsWithTheEosToken() throws IOException {
    return ModelFixture.eachSupported(
        "greedy, eos",
        model ->
            () -> {
              JsonNode expected = model.json("expected.json").get("generation");
              int eos = expected.at("/with_eos/eos_token_id").asInt();
              try (Decoder decoder = model.decoder(DecoderOptions.frozen())) {
                assertThat(tokens(decoder, all(expected.get("prompts")), greedy(expected), eos))
                    .isNotEmpty()
                    .containsExactlyElementsOf(
                        all(expected.at("/with_eos/greedy_up_to_and_with_eos")));
              }
            });
  }

  @TestFactory
  Stream<DynamicTest> anAdaptedModelsGreedyTokensArePefts() throws IOException {
    return ModelFixture.eachWith(
        "expected_adapter.json",
        "greedy, adapted",
        model ->
            () -> {
              JsonNode expected = model.json("expected_adapter.json").get("generation");
              try (Decoder decoder = model.adapted(DecoderOptions.frozen())) {
                List<int[]> prompt = List.of(Fixtures.ints(expected.get("prompt")));
                assertThat(tokens(decoder, prompt, greedy(expected), -1).get(0))
                    .isNotEmpty()
                    .containsExactly(Fixtures.ints(expected.get("greedy_ignoring_eos")));
              }
            });
  }

  private static SamplingParams greedy(JsonNode generation) {
    return SamplingParams.greedy(generation.get("max_new_tokens").asInt());
  }

  private static List<int[]> tokens(
      Decoder decoder, List<int[]> prompts, SamplingParams params, int eos) {
    return new Generator(decoder, new int[] {eos})
        .generate(prompts, Collections.nCopies(prompts.size(), 0L), params).stream()
            .map(Completion::ids)
            .toList();
  }

  private static List<int[]> all(JsonNode rows) {
    List<int[]> all = new ArrayList<>();
    rows.forEach(row -> all.add(Fixtures.ints(row)));
    return all;
  }
}
