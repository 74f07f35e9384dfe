package dev.collimate.quickstart;

import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.executor.ModelSlot;
import dev.collimate.executor.ModelSpec;
import dev.collimate.executor.RowLogProbs;
import dev.collimate.generate.Completion;
import dev.collimate.generate.Generator;
import dev.collimate.generate.SamplingParams;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.Decoder;
import dev.collimate.nn.DecoderOptions.Sharing;
import dev.collimate.nn.Precision;
import dev.collimate.quickstart.Comparison.Scores;
import dev.collimate.storage.HadoopFolder;
import dev.collimate.text.ByteLevelTokenizer;
import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.util.SerializableConfiguration;

/** Puts a trained model to the test on the executors, over problems that it has not seen. */
final class Examination {

  /** Problems that run as one batch, whatever the number of executors. */
  private static final int UNIT = 50;

  private static final int LONGEST_ANSWER = 24;

  private final JavaSparkContext spark;
  private final AdditionData data;
  private final long seed;

  Examination(JavaSparkContext spark, AdditionData data, long seed) {
    this.spark = spark;
    this.data = data;
    this.seed = seed;
  }

  /** The scores of the model in a folder. */
  Scores of(String folder) {
    ModelSpec model = spec(folder);
    SamplingParams greedy = SamplingParams.greedy(LONGEST_ANSWER);
    SamplingParams drawn = new SamplingParams(LONGEST_ANSWER, 1, 0, 1, seed, false);
    List<Addition> carrying = data.heldOut().stream().filter(Addition::carries).toList();
    return new Scores(
        share(model, data.heldOut(), (slot, from, unit) -> solved(slot, from, unit, greedy)),
        share(model, data.heldOut(), (slot, from, unit) -> solved(slot, from, unit, drawn)),
        share(model, carrying, (slot, from, unit) -> preferred(slot, unit)));
  }

  private ModelSpec spec(String folder) {
    try (ModelFolder model =
        ModelFolder.open(HadoopFolder.open("model", folder, spark.hadoopConfiguration()))) {
      return new ModelSpec(
          folder, model.fingerprint(), "", "", 0, Precision.FLOAT32, 1, Sharing.NONE);
    }
  }

  private interface Count extends Serializable {
    /**
     * @param from position of the unit's first problem among all
     */
    int successes(Slot slot, int from, List<Addition> unit);
  }

  /** A model on an executor. */
  private record Slot(ModelSpec model, SerializableConfiguration configuration)
      implements Serializable {
    <T> T with(Function<Decoder, T> work) {
      return ModelSlot.with(model, configuration.value(), work);
    }
  }

  private Proportion share(ModelSpec model, List<Addition> problems, Count count) {
    List<Integer> starts = new ArrayList<>();
    for (int from = 0; from < problems.size(); from += UNIT) {
      starts.add(from);
    }
    Slot slot = new Slot(model, new SerializableConfiguration(spark.hadoopConfiguration()));
    List<Addition> all = new ArrayList<>(problems);
    int successes =
        spark
            .parallelize(starts, starts.size())
            .map(
                from ->
                    count.successes(
                        slot, from, all.subList(from, Math.min(all.size(), from + UNIT))))
            .reduce(Integer::sum);
    return new Proportion(successes, problems.size());
  }

  private static int solved(Slot slot, int from, List<Addition> unit, SamplingParams sampling) {
    List<int[]> prompts = unit.stream().map(problem -> ids(problem.prompt())).toList();
    List<Long> seeds = LongStream.range(from, from + unit.size()).boxed().toList();
    List<Completion> completions =
        slot.with(
            decoder ->
                new Generator(decoder, new int[] {ByteLevelTokenizer.EOS_ID})
                    .generate(prompts, seeds, sampling));
    int solved = 0;
    for (int i = 0; i < unit.size(); i++) {
      solved += unit.get(i).isSolvedBy(text(completions.get(i).ids())) ? 1 : 0;
    }
    return solved;
  }

  private static int preferred(Slot slot, List<Addition> unit) {
    int preferred = 0;
    for (Addition problem : unit) {
      Example pair =
          new Example(
              problem.prompt(),
              "",
              1,
              Map.of(
                  "chosen", sequence(problem, problem.worked()),
                  "rejected", sequence(problem, problem.faulty())),
              Map.of());
      RowLogProbs logProbs = slot.with(decoder -> RowLogProbs.of(decoder, pair, Adapter.ON));
      preferred += logProbs.sum("chosen") > logProbs.sum("rejected") ? 1 : 0;
    }
    return preferred;
  }

  private static Sequence sequence(Addition problem, String answer) {
    int[] prompt = ids(problem.prompt());
    int[] completion = ids(answer);
    int[] all = Arrays.copyOf(prompt, prompt.length + completion.length + 1);
    System.arraycopy(completion, 0, all, prompt.length, completion.length);
    all[all.length - 1] = ByteLevelTokenizer.EOS_ID;
    byte[] mask = new byte[all.length];
    Arrays.fill(mask, prompt.length, all.length, (byte) 1);
    return new Sequence(all, prompt.length, mask);
  }

  private static int[] ids(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = bytes[i] + ByteLevelTokenizer.EOS_ID + 1;
    }
    return ids;
  }

  private static String text(int[] ids) {
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      if (id != ByteLevelTokenizer.EOS_ID) {
        text.append((char) (id - ByteLevelTokenizer.EOS_ID - 1));
      }
    }
    return text.toString();
  }
}
