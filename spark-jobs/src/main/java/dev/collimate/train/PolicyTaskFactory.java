package dev.collimate.train;

import dev.collimate.aggregate.WorkerPlace;
import dev.collimate.aggregate.WorkerTask;
import dev.collimate.aggregate.WorkerTaskFactory;
import dev.collimate.checkpoint.AdapterFolder;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.config.AdapterSection;
import dev.collimate.config.RunConfig;
import dev.collimate.data.PreparedData;
import dev.collimate.data.ShardReader;
import dev.collimate.executor.AssignedDevice;
import dev.collimate.executor.ModelSlot;
import dev.collimate.executor.RowLogProbs;
import dev.collimate.learn.Learner;
import dev.collimate.nn.AdapterSource;
import dev.collimate.nn.CausalModel;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.Decoder;
import dev.collimate.nn.DecoderOptions;
import dev.collimate.nn.Engine;
import dev.collimate.nn.Numerics;
import dev.collimate.nn.PolicyWithValues;
import dev.collimate.nn.Precision;
import dev.collimate.nn.Quantity;
import dev.collimate.objective.Objective;
import dev.collimate.objective.Objectives;
import dev.collimate.reference.ReferenceSource;
import dev.collimate.storage.HadoopFolder;
import dev.collimate.storage.Storage;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.util.SerializableConfiguration;

/** Makes a worker's task in its executor: starts libtorch, loads the policy, opens the rows. */
record PolicyTaskFactory(
    RunConfig run, PreparedData data, String probe, SerializableConfiguration hadoop)
    implements WorkerTaskFactory {

  /** 16 Mi tokens take 80 MiB of the executor's heap. */
  private static final long CACHED_TOKENS = 1L << 24;

  @Override
  public WorkerTask create(WorkerPlace place) {
    Configuration configuration = hadoop.value();
    ModelSlot.clear();
    Engine.start(run.cluster().threads(), AssignedDevice.of(run.cluster().device()));
    try (ModelFolder folder = PolicySource.openModel(run, configuration)) {
      Optional<String> path = run.adapter().flatMap(AdapterSection::path);
      if (path.isEmpty()) {
        return task(folder, Optional.empty(), configuration);
      }
      try (AdapterFolder adapter =
          AdapterFolder.open(HadoopFolder.open("adapter.path", path.get(), configuration))) {
        return task(folder, Optional.of(adapter), configuration);
      }
    }
  }

  private WorkerTask task(
      ModelFolder folder, Optional<AdapterFolder> adapter, Configuration configuration) {
    Objective objective =
        Objectives.create(run.objective().name(), run.objective().options())
            .over(data.trainingSet(OwnPart.sizes(run, folder.config(), configuration)));
    Decoder policy = Decoder.load(folder, source(folder, adapter), options());
    CausalModel trained = policy;
    Optional<Decoder> reference = Optional.empty();
    try (ValueFolder values = ValueFolder.open(run, configuration)) {
      trained = withValues(policy, values);
      reference = reference(policy, objective, configuration);
      ShardReader train = reader(PreparedData.Split.TRAIN, configuration);
      ShardReader eval = reader(PreparedData.Split.EVAL, configuration);
      Admission.Description description =
          new Admission.Description(
              Numerics.take().facts(),
              readProbe(configuration),
              PolicySource.fingerprint(folder, adapter, values));
      CausalModel model = trained;
      Learner learner = new Learner(model, objective);
      ReplicaStore store = new ReplicaStore(new RunDirectory(run.output()), configuration);
      Optional<Decoder> beside = reference;
      Closeable last = () -> beside.ifPresent(Decoder::close);
      return new PolicyTask(
          description,
          learner,
          row -> RowLogProbs.of(policy, row, Adapter.ON),
          rows -> new ReplicaTrainer(run.train(), run.cluster().threads(), store, learner, rows),
          train,
          eval,
          new GreedySampler(policy),
          new CompletionWriter(
              policy,
              model instanceof PolicyWithValues both ? both.valueModel() : model,
              reference(policy, configuration),
              split -> split == PreparedData.Split.TRAIN ? train : eval,
              configuration),
          () -> {
            try (last;
                model;
                eval;
                train) {
              // Closed from the last to the first, whatever one of them throws.
            }
          });
    } catch (RuntimeException e) {
      trained.close();
      reference.ifPresent(Decoder::close);
      throw e;
    }
  }

  /** The policy, with its value model beside it where that is a folder. */
  private CausalModel withValues(Decoder policy, ValueFolder values) {
    return values
        .model()
        .<CausalModel>map(folder -> PolicyWithValues.load(policy, folder, options()))
        .orElse(policy);
  }

  /**
   * Sets the policy's reference, where the objective reads it beside the policy.
   *
   * @return the reference's model; none where it is the policy's, without its adapter
   */
  private Optional<Decoder> reference(
      Decoder policy, Objective objective, Configuration configuration) {
    if (objective.declaration().quantities().stream().noneMatch(Quantity::readsReference)) {
      return Optional.empty();
    }
    if (isPolicyWithoutAdapter(run)) {
      policy.compareWith(policy, Adapter.OFF);
      return Optional.empty();
    }
    Decoder reference = ModelSlot.load(ReferenceSource.of(run, configuration), configuration);
    try {
      policy.compareWith(reference, Adapter.ON);
      return Optional.of(reference);
    } catch (RuntimeException e) {
      reference.close();
      throw e;
    }
  }

  /** Whether the reference's weights are the policy's frozen ones. */
  static boolean isPolicyWithoutAdapter(RunConfig run) {
    boolean isContinued = run.adapter().flatMap(AdapterSection::path).isPresent();
    return run.adapter().isPresent()
        && !ReferenceSource.isFolder(run)
        && (!isContinued || run.referenceModel().equals(RunConfig.BASE));
  }

  /**
   * The reference model, for rows that are written while training goes on: the policy with its
   * adapter off where that is it, else a second model, which is loaded when first asked for.
   */
  private CompletionWriter.ReferenceModel reference(Decoder policy, Configuration configuration) {
    if (isPolicyWithoutAdapter(run)) {
      return work -> work.accept(policy, Adapter.OFF);
    }
    return work ->
        ModelSlot.with(
            ReferenceSource.of(run, configuration).withTemperature(temperature()),
            configuration,
            model -> {
              work.accept(model, Adapter.ON);
              return model;
            });
  }

  private AdapterSource source(ModelFolder model, Optional<AdapterFolder> continued) {
    if (run.adapter().isEmpty()) {
      return new AdapterSource.None();
    }
    if (continued.isPresent()) {
      return new AdapterSource.Continued(continued.get());
    }
    return new AdapterSource.Fresh(
        PolicySource.freshAdapter(run.adapter().get(), run.model(), model), run.seed());
  }

  private DecoderOptions options() {
    DecoderOptions options =
        new DecoderOptions(
            Precision.valueOf(run.train().precision().name()),
            run.train().gradientCheckpointing()
                ? DecoderOptions.Recomputation.LAYERS
                : DecoderOptions.Recomputation.NONE,
            run.adapter().isPresent()
                ? DecoderOptions.Trained.ADAPTER
                : DecoderOptions.Trained.ALL_WEIGHTS,
            run.train().sharing(),
            PolicySource.hasValueHead(run)
                ? DecoderOptions.Values.HEAD
                : DecoderOptions.Values.NONE);
    return options.withTemperature(temperature());
  }

  /** Of the log-probabilities that the objective reads: the one at which completions are drawn. */
  private double temperature() {
    return run.rewards().isEmpty() ? 1 : run.rollout().temperature();
  }

  private ShardReader reader(PreparedData.Split split, Configuration configuration) {
    return new ShardReader(data, split, configuration, CACHED_TOKENS);
  }

  private String readProbe(Configuration configuration) {
    Path path = new Path(probe);
    try {
      return new String(Storage.of(path, configuration).read(path), StandardCharsets.UTF_8);
    } catch (IOException e) {
      // The driver says what that means; it knows what should stand there.
      return "";
    }
  }
}
