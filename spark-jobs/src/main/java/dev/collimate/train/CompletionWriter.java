package dev.collimate.train;

import dev.collimate.data.Digest128;
import dev.collimate.data.PreparedData.Split;
import dev.collimate.data.ShardReader;
import dev.collimate.executor.ModelSlot;
import dev.collimate.executor.ModelSpec;
import dev.collimate.executor.RowLogProbs;
import dev.collimate.executor.RowScores;
import dev.collimate.generate.Completion;
import dev.collimate.generate.Generator;
import dev.collimate.learn.LearnRow;
import dev.collimate.nn.CausalModel;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.CausalModel.Pass;
import dev.collimate.nn.Decoder;
import dev.collimate.nn.Quantity;
import dev.collimate.objective.Online;
import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;

/** A worker's side of rollouts: writes completions and says how probable they are. */
final class CompletionWriter {

  /** Computes with the reference model. */
  @FunctionalInterface
  interface ReferenceModel {
    /** Gives the model, and whether its adapter is on, to {@code work}, which must not keep it. */
    void with(BiConsumer<Decoder, Adapter> work);
  }

  private final Decoder policy;
  private final CausalModel values;
  private final int[] eos;
  private final ReferenceModel reference;
  private final Function<Split, ShardReader> prompts;
  private final Configuration configuration;

  /**
   * @param policy stays open, as the next
   * @param values the model that gives values: the policy itself, or one beside it
   */
  CompletionWriter(
      Decoder policy,
      CausalModel values,
      ReferenceModel reference,
      Function<Split, ShardReader> prompts,
      Configuration configuration) {
    this.policy = policy;
    this.values = values;
    this.eos = policy.config().tokens().eos().stream().mapToInt(Integer::intValue).toArray();
    this.reference = reference;
    this.prompts = prompts;
    this.configuration = configuration;
  }

  /** The draws of a completion: of the step, the prompt's key and the number of the sample. */
  static long seed(long step, String promptKey, int sample) {
    return Digest128.of("%d %d %s".formatted(step, sample, promptKey)).high();
  }

  /** Completions in the order of the prompts, as {@link Written} reads them. */
  void complete(OnlineWork.Complete work, DataOutputStream out) throws IOException {
    List<int[]> ids = new ArrayList<>();
    List<Long> seeds = new ArrayList<>();
    OnlineWork.SampleRange samples = work.samples();
    for (Example prompt : prompts.apply(work.split()).rows(work.rows())) {
      ids.add(prompt.sequences().get(Written.PROMPT).ids());
      for (int sample = 0; sample < samples.count(); sample++) {
        seeds.add(seed(work.step(), prompt.key(), samples.first() + sample));
      }
    }
    List<Completion> completions = new ArrayList<>();
    withGenerator(
        samples.referenceShare(),
        generator ->
            completions.addAll(generator.generate(ids, samples.count(), seeds, work.params())));
    for (Completion completion : completions) {
      int last = completion.ids()[completion.ids().length - 1];
      OnlineWork.writeInts(completion.ids(), out);
      OnlineWork.writeFloats(completion.logProbs(), out);
      out.writeBoolean(policy.config().tokens().eos().contains(last));
    }
  }

  private void withGenerator(double referenceShare, Consumer<Generator> work) {
    Generator ofPolicy = new Generator(policy, eos);
    if (referenceShare == 0) {
      work.accept(ofPolicy);
      return;
    }
    reference.with(
        (model, adapter) ->
            work.accept(
                referenceShare == 1
                    ? new Generator(model, eos, adapter)
                    : ofPolicy.mixedWith(new Generator.Mixture(model, adapter, referenceShare))));
  }

  /** The first score of every text, in the order of the texts. */
  void score(OnlineWork.Score work, DataOutputStream out) throws IOException {
    OnlineWork.writeFloats(scores(work.model(), work.texts(), configuration), out);
  }

  /** The first score of every text, each run by itself. */
  static float[] scores(ModelSpec spec, List<int[]> texts, Configuration configuration) {
    return ModelSlot.with(
        spec,
        configuration,
        model -> {
          float[] all = new float[texts.size()];
          for (int i = 0; i < all.length; i++) {
            int[] ids = texts.get(i);
            Sequence text = new Sequence(ids, ids.length, new byte[ids.length]);
            all[i] =
                RowScores.of(model, Experience.example("text " + i, 1, text))
                    .byRole()
                    .get(Online.COMPLETION)[0];
          }
          return all;
        });
  }

  /** What is asked for of the rows' counted tokens, in the order of the rows. */
  void read(OnlineWork.Read work, DataOutputStream out) throws IOException {
    List<Example> rows = work.rows().stream().map(LearnRow::example).toList();
    List<float[]> all =
        switch (work.reading()) {
          case POLICY -> logProbs(policy, Adapter.ON, rows);
          case REFERENCE -> {
            List<float[]> ofReference = new ArrayList<>();
            reference.with((model, adapter) -> ofReference.addAll(logProbs(model, adapter, rows)));
            yield ofReference;
          }
          case VALUES -> rows.stream().map(this::values).toList();
        };
    for (float[] row : all) {
      OnlineWork.writeFloats(row, out);
    }
  }

  private static List<float[]> logProbs(Decoder model, Adapter adapter, List<Example> rows) {
    return rows.stream()
        .map(row -> RowLogProbs.of(model, row, adapter).byRole().get(Online.COMPLETION))
        .toList();
  }

  private float[] values(Example row) {
    List<Sequence> sequence = List.of(row.sequences().get(Online.COMPLETION));
    try (Pass pass = values.forward(sequence, Set.of(Quantity.VALUE), Mode.EVALUATE, Adapter.ON)) {
      return pass.values(Quantity.VALUE)[0];
    }
  }
}
