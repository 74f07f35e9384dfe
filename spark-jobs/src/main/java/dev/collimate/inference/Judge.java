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
import dev.collimate.nn.CachedRows;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.Decoder;
import dev.collimate.text.Prepared;
import dev.collimate.text.RowShape;
import dev.collimate.text.Tokenizer;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.spark.sql.SparkSession;

/**
 * What a language model says of answers when it is asked: the probability of yes against no, which
 * makes it a reward model without training (Implicit preference classifiers, arXiv:2502.16182), or
 * a number on a scale, which makes features (compositional preference models, arXiv:2310.13011). A
 * question is computed by itself.
 */
public final class Judge {

  /** Tokens that a number may take to be written. */
  private static final int ANSWER_TOKENS = 8;

  private Judge() {}

  /**
   * Asks about every answer.
   *
   * @param data pairs, or rows with {@code completion}
   * @param questions YAML, as the guide describes it
   * @param output the rows with {@code chosen_NAME} and {@code rejected_NAME}, or {@code NAME}, of
   *     every feature that is asked for; null where the model gave no number
   * @return number of rows
   */
  public static long run(
      SparkSession session, ModelSpec model, Source data, byte[] questions, String output)
      throws IOException {
    model.requireCausal("--model");
    JudgeQuestions asked = JudgeQuestions.read("--questions", questions);
    RowOutput results = new RowOutput(session, output);
    PreparerSource preparers =
        Score.preparers(model, RowShape.PROMPT, session.sparkContext().hadoopConfiguration());
    try (PreparerSource.Open open = preparers.open()) {
      Spellings.of(asked, open.tokenizer());
    }
    try (OrderedRows rows = OrderedRows.read(session, "--data", data)) {
      boolean isPair = rows.first().containsKey("chosen");
      List<String> answers = isPair ? List.of("chosen", "rejected") : List.of("completion");
      results.write(rows, () -> new Task(model, preparers, preparers.open(), asked, answers));
      return rows.count();
    }
  }

  /** The tokens that say yes, and no; none where a number is asked for. */
  private record Spellings(int[] yes, int[] no) {

    static Spellings of(JudgeQuestions asked, Optional<Tokenizer> tokenizer) {
      if (tokenizer.isEmpty()) {
        throw CollimateException.usage(
            "--model: has no tokenizer.json, which questions need; give a model with one");
      }
      if (asked.answer() == JudgeQuestions.Answer.NUMBER) {
        return new Spellings(new int[0], new int[0]);
      }
      return new Spellings(
          single("yes", asked.yes(), tokenizer.get()), single("no", asked.no(), tokenizer.get()));
    }

    private static int[] single(String name, List<String> spellings, Tokenizer tokenizer) {
      int[] ids =
          spellings.stream()
              .map(tokenizer::encode)
              .filter(encoded -> encoded.length == 1)
              .mapToInt(encoded -> encoded[0])
              .distinct()
              .toArray();
      if (ids.length == 0) {
        throw CollimateException.usage(
            "--questions: no spelling of %s is one token of this model (%s); add one that is"
                .formatted(name, String.join(", ", spellings)));
      }
      return ids;
    }
  }

  /** {@code sum of e^z over yes / the same over yes and no}: no constant changes it. */
  static double probability(float[] logits, int[] yes, int[] no) {
    double most =
        IntStream.concat(IntStream.of(yes), IntStream.of(no))
            .mapToDouble(id -> logits[id])
            .max()
            .orElseThrow();
    double ofYes = IntStream.of(yes).mapToDouble(id -> StrictMath.exp(logits[id] - most)).sum();
    double ofNo = IntStream.of(no).mapToDouble(id -> StrictMath.exp(logits[id] - most)).sum();
    return ofYes / (ofYes + ofNo);
  }

  /** Asks on an executor. */
  private record Task(
      ModelSpec model,
      PreparerSource preparers,
      PreparerSource.Open open,
      JudgeQuestions asked,
      List<String> answers)
      implements RowTask {

    @Override
    public List<Map<String, Object>> run(long number, Map<String, Object> row) {
      Map<String, Object> judged = new LinkedHashMap<>(row);
      for (String answer : answers) {
        for (String feature : asked.questions().keySet()) {
          String column = answer.equals("completion") ? feature : answer + "_" + feature;
          if (row.containsKey(column)) {
            throw CollimateException.usage(
                "--data: row %d has a column '%s', which the output adds; rename or drop it"
                    .formatted(number + 1, column));
          }
          judged.put(column, ask(asked.ask(feature, row, answer, number), number));
        }
      }
      return List.of(judged);
    }

    private Double ask(String question, long number) {
      Object prompt =
          asked.isChat() ? List.of(Map.of("role", "user", "content", question)) : question;
      Prepared prepared = open.preparer().prepare(Map.of("prompt", prompt));
      if (prepared instanceof Prepared.Refused refused) {
        throw CollimateException.data(
            "--data: row %d makes a question that cannot be asked: %s, %s"
                .formatted(number + 1, refused.reason(), refused.detail()));
      }
      int[] ids = ((Prepared.Ready) prepared).example().sequences().get("prompt").ids();
      return ModelSlot.with(
          model,
          preparers.configuration().value(),
          decoder ->
              asked.answer() == JudgeQuestions.Answer.YES
                  ? probabilityOfYes(decoder, ids)
                  : asked.number(written(decoder, ids)));
    }

    private Double probabilityOfYes(Decoder decoder, int[] ids) {
      Spellings spellings = Spellings.of(asked, open.tokenizer());
      try (CachedRows rows = decoder.continuing(List.of(ids), 1, Adapter.ON)) {
        return probability(rows.nextLogits()[0], spellings.yes(), spellings.no());
      }
    }

    private String written(Decoder decoder, int[] ids) {
      int[] eos = decoder.config().tokens().eos().stream().mapToInt(Integer::intValue).toArray();
      SamplingParams greedy = new SamplingParams(ANSWER_TOKENS, 0, 0, 1, 0, false);
      Completion completion =
          new Generator(decoder, eos).generate(List.of(ids), List.of(0L), greedy).get(0);
      return open.tokenizer().orElseThrow().decodeSkippingSpecialTokens(completion.ids());
    }

    @Override
    public void close() {
      open.close();
    }
  }
}
