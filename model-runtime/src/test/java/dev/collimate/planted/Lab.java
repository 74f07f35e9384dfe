package dev.collimate.planted;

import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.ModelInit;
import dev.collimate.checkpoint.ModelWriter;
import dev.collimate.checkpoint.SaveDtype;
import dev.collimate.files.LocalFolder;
import dev.collimate.files.LocalFolderSink;
import dev.collimate.learn.AdamW;
import dev.collimate.learn.AdamWConfig;
import dev.collimate.learn.GradientClip;
import dev.collimate.learn.LeafResult;
import dev.collimate.learn.LearnRow;
import dev.collimate.learn.Learner;
import dev.collimate.learn.MetricSums;
import dev.collimate.learn.Schedule;
import dev.collimate.learn.StepContext;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.ComputeDevice;
import dev.collimate.nn.Decoder;
import dev.collimate.nn.DecoderOptions;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.nn.Engine;
import dev.collimate.objective.Declaration;
import dev.collimate.objective.GlobalBatch;
import dev.collimate.objective.Objective;
import dev.collimate.objective.Objectives;
import dev.collimate.objective.Progression;
import dev.collimate.objective.RowFacts;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.objective.StepPlan;
import dev.collimate.objective.StepTotals;
import dev.collimate.objective.TrainingRows;
import dev.collimate.objective.TrainingSet;
import dev.collimate.parameters.FlatVector;
import dev.collimate.planted.Claim.Setup;
import dev.collimate.text.ByteLevelTokenizer;
import dev.collimate.text.RowShape;
import dev.collimate.text.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Trainings of one seed: its model at the start, tuned to write answers of any utility, and every
 * objective from there on the seed's rows. Only the objective differs between two trainings on one
 * scenario: start, rows, batches, steps and learning rate are the same.
 */
final class Lab implements AutoCloseable {

  /** Steps of a training. */
  static final int STEPS = 160;

  /** Pairs of a step, or twice as many single completions. */
  static final int BATCH = 32;

  static final double LEARNING_RATE = 1e-3;

  private static final int START_STEPS = 200;
  private static final double START_LEARNING_RATE = 3e-3;
  private static final double MAX_NORM = 1;

  /** As the config below has them. */
  private static final int HIDDEN = 32;

  private static final int LAYERS = 2;

  private static final String CONFIG =
      """
      {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 259, "hidden_size": 32,
       "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
       "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu",
       "tie_word_embeddings": false, "torch_dtype": "float32", "bos_token_id": 1, "eos_token_id": 2,
       "pad_token_id": 0, "initializer_range": 0.1}
      """;

  private final long seed;
  private final int steps;
  private final Tokenizer tokenizer;
  private final Path start;
  private final Decoder reference;
  private final Decoder policy;
  private final FlatVector policyStart;

  /** The reference of objectives whose reference changes. */
  private final Decoder follower;

  /** Reward models by their number of scores; made where they are asked for. */
  private final Map<Integer, Decoder> rewardModels = new LinkedHashMap<>();

  private final Map<Integer, FlatVector> rewardStarts = new LinkedHashMap<>();

  /**
   * @param folder for the seed's models
   */
  Lab(Path folder, long seed) throws IOException {
    this(folder, seed, START_STEPS, STEPS);
  }

  Lab(Path folder, long seed, int startSteps, int steps) throws IOException {
    this.seed = seed;
    this.steps = steps;
    Engine.start(1, ComputeDevice.cpu());
    Path files = Files.createDirectories(folder.resolve("tokenizer"));
    ByteLevelTokenizer.write(new LocalFolderSink(files));
    tokenizer = Tokenizer.load(LocalFolder.existing(files));
    Path base = Files.createDirectories(folder.resolve("base"));
    ModelInit.write(
        CONFIG.getBytes(StandardCharsets.UTF_8),
        "the trainings' config.json",
        LocalFolder.existing(files),
        new LocalFolderSink(base),
        seed);
    start = Files.createDirectories(folder.resolve("start"));
    writeStart(base, startSteps);
    reference = decoder(ModelFolder.open(LocalFolder.existing(start)), Trained.NONE);
    policy = decoder(ModelFolder.open(LocalFolder.existing(start)), Trained.ALL_WEIGHTS);
    policy.compareWith(reference, Adapter.ON);
    policyStart = parametersOf(policy);
    follower = decoder(ModelFolder.open(LocalFolder.existing(start)), Trained.ALL_WEIGHTS);
  }

  private static Decoder decoder(ModelFolder folder, Trained trained) {
    try (folder) {
      return Decoder.load(folder, DecoderOptions.training(trained));
    }
  }

  private static FlatVector parametersOf(Decoder decoder) {
    FlatVector parameters = new FlatVector(decoder.layout().size());
    decoder.store(parameters);
    return parameters;
  }

  /** Fine-tunes the base on answers at random, so that it writes such answers. */
  private void writeStart(Path base, int startSteps) throws IOException {
    Draw draw = new Draw(new World(seed, 0), new SplittableRandom(-seed));
    for (int i = 0; i < 4 * Scenario.TRAINED; i++) {
      char group = draw.happens(0.5) ? World.MINORITY : World.MAJORITY;
      int length = draw.happens(0.5) ? World.LENGTH : draw.between(3, 9);
      draw.singles().add(draw.single(draw.prompt(group), draw.letters(length)));
    }
    Objective sft = Objectives.create("sft", Map.of());
    Preparation preparation = new Preparation(tokenizer, sft.declaration(), sizes());
    List<LearnRow> rows =
        preparation.of(draw.planted()).examples().stream()
            .map(row -> new LearnRow(row, Reference.NONE))
            .toList();
    try (ModelFolder folder = ModelFolder.open(LocalFolder.existing(base));
        Decoder decoder =
            decoder(ModelFolder.open(LocalFolder.existing(base)), Trained.ALL_WEIGHTS)) {
      Learner learner = new Learner(decoder, sft);
      FlatVector master = parametersOf(decoder);
      train(learner, sft, rows, Following.NONE, master, startSteps, START_LEARNING_RATE);
      ModelWriter.write(
          folder, decoder.layout(), master, SaveDtype.BASE, new LocalFolderSink(start));
    }
  }

  /** Trains an objective from the start, and leaves the model as it is until the next training. */
  Outcome train(Setup setup) throws IOException {
    Planted data = setup.scenario().draw(seed);
    Objective untold = Objectives.create(setup.objective(), setup.options());
    Preparation preparation = new Preparation(tokenizer, untold.declaration(), sizes());
    Preparation.Rows rows = preparation.of(data);
    Objective objective = untold.over(rows.set());
    List<LearnRow> learned = preparation.against(reference, rows.examples());
    int scores = objective.declaration().scores();
    Decoder model = scores > 0 ? rewardModel(scores) : policy;
    Learner learner = new Learner(model, objective);
    FlatVector master = new FlatVector(learner.layout().size());
    model.load(scores > 0 ? rewardStarts.get(scores) : policyStart);
    learner.store(master);
    Following following = Following.of(objective, preparation, follower, policyStart, learned);
    train(learner, objective, learned, following, master, steps, LEARNING_RATE);
    List<LearnRow> unseen = preparation.against(reference, preparation.unseen(data));
    return new Outcome(data, tokenizer, reference, model, scores, seed, reported(learner, unseen));
  }

  /** What the objective reports of rows that it was not trained on. */
  private MetricSums reported(Learner learner, List<LearnRow> unseen) {
    if (unseen.isEmpty()) {
      return new MetricSums();
    }
    StepTotals totals =
        StepTotals.of(unseen.stream().map(row -> RowFacts.of(row.example())).toList());
    return learner.evaluate(new StepContext(0, totals, new double[0]), unseen).metrics();
  }

  private TrainingSet.Model sizes() {
    return new TrainingSet.Model(HIDDEN, LAYERS, HIDDEN, seed);
  }

  private Decoder rewardModel(int scores) throws IOException {
    if (!rewardModels.containsKey(scores)) {
      Decoder model =
          decoder(
              ModelFolder.openClassifier(LocalFolder.existing(start), scores, seed),
              Trained.ALL_WEIGHTS);
      rewardModels.put(scores, model);
      rewardStarts.put(scores, parametersOf(model));
    }
    return rewardModels.get(scores);
  }

  private void train(
      Learner learner,
      Objective objective,
      List<LearnRow> rows,
      Following following,
      FlatVector master,
      int count,
      double learningRate) {
    Declaration declaration = objective.declaration();
    FlatVector gradient = new FlatVector(learner.layout().size());
    AdamW optimizer = new AdamW(AdamWConfig.DEFAULT, learner.layout());
    Schedule schedule = new Schedule(Schedule.Type.LINEAR, learningRate, 0, count);
    Batches batches =
        new Batches(
            rows,
            declaration.shape() == RowShape.UNPAIRED ? 2 * BATCH : BATCH,
            declaration.progression());
    double[] state = objective.initialState(new Rows(rows));
    for (int step = 1; step <= count; step++) {
      List<LearnRow> batch = batches.next().stream().map(following::row).toList();
      List<RowFacts> facts = batch.stream().map(row -> RowFacts.of(row.example())).toList();
      StepTotals totals = StepTotals.of(facts);
      double[][] gathered = new double[0][];
      if (declaration.gathers()) {
        gathered = learner.gather(new StepContext(step, totals, new double[0]), batch);
      }
      StepPlan plan = objective.plan(new GlobalBatch(seed, step, facts, gathered, state));
      state = plan.state();
      List<LearnRow> planned = new ArrayList<>();
      for (int i = 0; i < batch.size(); i++) {
        LearnRow row = batch.get(i);
        planned.add(new LearnRow(row.example(), row.reference(), plan.given(i)));
      }
      LeafResult result =
          learner.gradient(new StepContext(step, totals, plan.shared()), planned, gradient);
      double norm = GradientClip.norm(gradient, 1);
      GradientClip.requireFinite(step, result.loss(), norm);
      optimizer.step(
          master, gradient, schedule.learningRate(step), GradientClip.factor(norm, MAX_NORM), 1);
      learner.load(master);
      following.after(step, master);
    }
  }

  /** What an objective may know of all rows before the first step. */
  private record Rows(List<LearnRow> rows) implements TrainingRows {
    @Override
    public int count() {
      return rows.size();
    }

    @Override
    public RowFacts facts(int row) {
      return RowFacts.of(rows.get(row).example());
    }

    @Override
    public double scalar(String column, int row) {
      return rows.get(row).example().scalars().getOrDefault(column, Double.NaN);
    }
  }

  /** Epochs in an order that depends on the seed and the number of rows alone. */
  private final class Batches {
    private final List<LearnRow> rows;
    private final int size;
    private final SplittableRandom random = new SplittableRandom(seed);
    private final List<LearnRow> epoch = new ArrayList<>();

    private final Optional<Progression> progression;

    Batches(List<LearnRow> rows, int size, Optional<Progression> progression) {
      this.rows = rows;
      this.size = Math.min(size, rows.size());
      this.progression = progression;
    }

    List<LearnRow> next() {
      List<LearnRow> batch = new ArrayList<>();
      while (batch.size() < size) {
        if (epoch.isEmpty()) {
          epoch.addAll(progression.map(this::inPhases).orElse(rows));
        }
        batch.add(epoch.remove(progression.isPresent() ? 0 : random.nextInt(epoch.size())));
      }
      return batch;
    }

    private List<LearnRow> inPhases(Progression phases) {
      int[] order =
          IntStream.range(0, rows.size())
              .boxed()
              .sorted(atRandom())
              .mapToInt(Integer::intValue)
              .toArray();
      int[] ordered =
          phases.inPhases(
              order,
              row -> rows.get(row).example().scalars().get(phases.column()),
              phase -> atRandom());
      return IntStream.of(ordered).mapToObj(rows::get).toList();
    }

    private Comparator<Integer> atRandom() {
      double[] places = random.doubles(rows.size()).toArray();
      return Comparator.comparingDouble(row -> places[row]);
    }
  }

  @Override
  public void close() {
    rewardModels.values().forEach(Decoder::close);
    policy.close();
    follower.close();
    reference.close();
    tokenizer.close();
  }
}
