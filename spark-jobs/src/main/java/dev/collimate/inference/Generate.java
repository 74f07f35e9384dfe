package dev.collimate.inference;

import dev.collimate.CollimateException;
import dev.collimate.config.Source;
import dev.collimate.data.OrderedRows;
import dev.collimate.data.PreparerSource;
import dev.collimate.executor.ModelSlot;
import dev.collimate.executor.ModelSpec;
import dev.collimate.generate.Completion;
import dev.collimate.generate.Generator;
import dev.collimate.generate.SamplingParams;
import dev.collimate.nn.Decoder;
import dev.collimate.text.Prepared;
import dev.collimate.text.RowShape;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;

/**
 * Completions of a file's prompts. The completions of a row are drawn together and by themselves,
 * seeded by the row's number, so neither partitions nor executors change them.
 */
public final class Generate {

  private static final String COMPLETION = "completion";
  private static final String COMPLETION_IDS = "completion_input_ids";
  private static final Set<String> ADDED = Set.of(COMPLETION, COMPLETION_IDS);

  private Generate() {}

  /**
   * Completes all prompts.
   *
   * @param prompts one a row: a string, a conversation, or ids in {@code prompt_input_ids}
   * @param output a {@code .jsonl} or {@code .parquet} file, or a folder; must not exist. Its rows
   *     keep their columns and get {@code completion} (where the model has a tokenizer) and {@code
   *     completion_input_ids}
   * @param numReturnSequences completions of each prompt, one output row each
   * @return number of output rows
   * @throws CollimateException (data) where a prompt cannot be used; names the first ones; (usage)
   *     where a row has a column that the output adds
   */
  public static long run(
      SparkSession session,
      ModelSpec model,
      Source prompts,
      String output,
      SamplingParams sampling,
      int numReturnSequences)
      throws IOException {
    model.requireCausal("--model");
    requireSequences(sampling, numReturnSequences);
    RowOutput results = new RowOutput(session, output);
    PreparerSource preparers = preparers(model, session.sparkContext().hadoopConfiguration());
    try (OrderedRows rows = OrderedRows.read(session, "--prompts", prompts)) {
      Score.requireUsable("--prompts", rows, preparers, ADDED);
      results.write(
          rows, () -> new Task(model, preparers, preparers.open(), sampling, numReturnSequences));
      return rows.count() * numReturnSequences;
    }
  }

  /** What turns rows into prompts here, for who reads the results. */
  public static PreparerSource preparers(ModelSpec model, Configuration configuration) {
    return Score.preparers(model, RowShape.PROMPT, configuration);
  }

  /** Throws (usage) where so many completions of a prompt cannot be had; needs no session. */
  public static void requireSequences(SamplingParams sampling, int numReturnSequences) {
    if (numReturnSequences < 1) {
      throw CollimateException.usage(
          "--num_return_sequences: must be at least 1, got " + numReturnSequences);
    }
    if (numReturnSequences > 1 && sampling.temperature() == 0) {
      throw CollimateException.usage(
          "--num_return_sequences: with --temperature 0 all %d would be the same; accepted is 1"
              .formatted(numReturnSequences));
    }
  }

  /** Completes prompts on an executor. */
  private record Task(
      ModelSpec model,
      PreparerSource preparers,
      PreparerSource.Open open,
      SamplingParams sampling,
      int count)
      implements RowTask {

    @Override
    public List<Map<String, Object>> run(long number, Map<String, Object> row) {
      int[] prompt =
          ((Prepared.Ready) open.preparer().prepare(row)).example().sequences().get("prompt").ids();
      List<Long> seeds = LongStream.range(0, count).mapToObj(k -> number * count + k).toList();
      List<Completion> completions =
          ModelSlot.with(
              model,
              preparers.configuration().value(),
              decoder ->
                  new Generator(decoder, eosIds(decoder))
                      .generate(Collections.nCopies(count, prompt), seeds, sampling));
      List<Map<String, Object>> rows = new ArrayList<>();
      for (Completion completion : completions) {
        Map<String, Object> result = new LinkedHashMap<>(row);
        open.tokenizer()
            .ifPresent(
                tokenizer ->
                    result.put(
                        COMPLETION, tokenizer.decodeSkippingSpecialTokens(completion.ids())));
        result.put(COMPLETION_IDS, completion.ids());
        rows.add(result);
      }
      return rows;
    }

    private static int[] eosIds(Decoder decoder) {
      return decoder.config().tokens().eos().stream().mapToInt(Integer::intValue).toArray();
    }

    @Override
    public void close() {
      open.close();
    }
  }
}
