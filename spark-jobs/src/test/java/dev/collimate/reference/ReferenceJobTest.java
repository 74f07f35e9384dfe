package dev.collimate.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.config.RunConfig;
import dev.collimate.data.LocalSpark;
import dev.collimate.data.Prepare;
import dev.collimate.data.PreparedData;
import dev.collimate.data.RowFacts;
import dev.collimate.data.ToyModel;
import dev.collimate.executor.ExecutorNumerics;
import dev.collimate.executor.ExecutorNumerics.Mixture;
import dev.collimate.executor.ModelSpec;
import dev.collimate.files.LocalFolder;
import dev.collimate.nn.CausalModel.Adapter;
import dev.collimate.nn.CausalModel.Mode;
import dev.collimate.nn.CausalModel.Pass;
import dev.collimate.nn.ComputeDevice;
import dev.collimate.nn.Decoder;
import dev.collimate.nn.DecoderOptions;
import dev.collimate.nn.Engine;
import dev.collimate.nn.Numerics;
import dev.collimate.nn.Quantity;
import dev.collimate.objective.ReferenceUse;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.text.Sequence;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LocalSpark.class)
class ReferenceJobTest {

  /** Of no executor here. */
  private static final Numerics OTHER_NUMERICS =
      new Numerics(new TreeMap<>(Map.of("test", "other")));

  private static final List<String> ROLES = List.of("chosen", "rejected");

  private final Configuration configuration = new Configuration();

  @TempDir Path folder;
  private SparkSession spark;

  @BeforeEach
  void start(SparkSession session) throws IOException {
    spark = session;
    ToyModel.write(folder.resolve("model"), 1);
  }

  @Test
  void everyRowGetsAFiniteValueForEachRole() throws IOException {
    ReferenceJob.Result result = reference(prepare("run", pairs(40)));

    assertThat(result.computed()).isEqualTo(40);
    assertThat(result.values().count()).isEqualTo(40);
    for (int row = 0; row < 40; row++) {
      assertThat(result.values().sum("chosen", row)).isNegative().isFinite();
      assertThat(result.values().sum("rejected", row)).isNegative().isFinite();
    }
  }

  @Test
  void whatIsStoredIsNotComputedAgain() throws IOException {
    PreparedData data = prepare("run", pairs(40));
    ReferenceJob.Result first = reference(data);

    ReferenceJob.Result second = reference(data);

    assertThat(second.computed()).isZero();
    assertThat(second.reused()).isEqualTo(40);
    assertThat(sums(second)).isEqualTo(sums(first));
  }

  @Test
  void theTokensAddUpToTheSumAndTheSumIsThatOfARunWithoutThem() throws IOException {
    PreparedData data = prepare("run", pairs(40));
    ReferenceJob.Result sumsAlone = reference(data, "store-of-sums");

    ReferenceJob.Result result = reference(data, ReferenceUse.TOKENS);

    assertThat(sums(result)).isEqualTo(sums(sumsAlone));
    RowFacts facts = facts(data);
    for (int row = 0; row < 40; row++) {
      Reference ofRow = result.values().of(ROLES, row);
      for (String role : ROLES) {
        float[] tokens = ofRow.tokens().get(role);
        double sum = 0;
        for (float token : tokens) {
          sum += token;
        }
        assertThat(tokens).hasSize(facts.countedTokens(role, row));
        assertThat(sum).isEqualTo(ofRow.sums().get(role));
      }
    }
  }

  @Test
  void rowsStoredWithoutTokensAreComputedAgainForARunThatNeedsThem() throws IOException {
    PreparedData data = prepare("run", pairs(40));
    ReferenceJob.Result sumsAlone = reference(data, ReferenceUse.SUMS);

    ReferenceJob.Result first = reference(data, ReferenceUse.TOKENS);
    ReferenceJob.Result second = reference(data, ReferenceUse.TOKENS);

    assertThat(first.computed()).isEqualTo(40);
    assertThat(second.computed()).isZero();
    assertThat(sums(second)).isEqualTo(sums(sumsAlone));
    assertThat(tokens(second)).usingRecursiveComparison().isEqualTo(tokens(first));
  }

  @Test
  void rowsStoredWithTokensServeARunThatNeedsSumsAlone() throws IOException {
    PreparedData data = prepare("run", pairs(40));
    ReferenceJob.Result withTokens = reference(data, ReferenceUse.TOKENS);

    ReferenceJob.Result result = reference(data, ReferenceUse.SUMS);

    assertThat(result.computed()).isZero();
    assertThat(sums(result)).isEqualTo(sums(withTokens));
    assertThat(result.values().of(ROLES, 0).tokens()).isEmpty();
  }

  @Test
  void equalRowsShareTheirTokens() throws IOException {
    List<String> rows = pairs(5);
    rows.addAll(pairs(5));

    ReferenceJob.Result result = reference(prepare("run", rows), ReferenceUse.TOKENS);

    assertThat(result.computed()).isEqualTo(5);
    assertThat(tokens(result)).hasSize(20).doesNotContainNull();
    assertThat(tokens(result).stream().distinct()).hasSize(10);
  }

  @Test
  void aChangedRowIsComputedAlone() throws IOException {
    List<String> rows = pairs(40);
    reference(prepare("run", rows));
    rows.set(
        3,
        "{\"prompt_input_ids\": [9], \"chosen_input_ids\": [9, 9], \"rejected_input_ids\": [8]}");

    ReferenceJob.Result result = reference(prepare("other", rows));

    assertThat(result.computed()).isEqualTo(1);
    assertThat(result.reused()).isEqualTo(39);
  }

  @Test
  void appendedRowsAndOrderChangeNoBits() throws IOException {
    PreparedData few = prepare("few", pairs(10));
    PreparedData many = prepare("many", pairs(40));

    ReferenceJob.Result ofFew = reference(few, "store-1");
    ReferenceJob.Result ofMany = reference(many, "store-2");

    RowFacts fewRows = facts(few);
    RowFacts manyRows = facts(many);
    for (int row = 0; row < 10; row++) {
      int wanted = row;
      int same =
          IntStream.range(0, 40)
              .filter(other -> manyRows.contentHash(other).equals(fewRows.contentHash(wanted)))
              .findFirst()
              .orElseThrow();
      assertThat(ofMany.values().sum("chosen", same)).isEqualTo(ofFew.values().sum("chosen", row));
    }
  }

  @Test
  void equalRowsAreComputedOnce() throws IOException {
    List<String> rows = pairs(20);
    rows.addAll(pairs(20));

    ReferenceJob.Result result = reference(prepare("run", rows));

    assertThat(result.computed()).isEqualTo(20);
    assertThat(result.reused()).isEqualTo(20);
    assertThat(sums(result)).doesNotContain(Double.NaN);
  }

  @Test
  void anotherModelSharesNothing() throws IOException {
    PreparedData data = prepare("run", pairs(10));
    ReferenceJob.Result first = reference(data);
    ToyModel.write(folder.resolve("other-model"), 2);

    ReferenceJob.Result other =
        reference(
            data, spec("reference_model=" + folder.resolve("other-model")), numerics(), "store");

    assertThat(other.computed()).isEqualTo(10);
    assertThat(sums(other)).isNotEqualTo(sums(first));
  }

  @Test
  void sharedPromptsGiveTheSameValuesButForRoundingAndAreStoredByThemselves() throws IOException {
    PreparedData data = prepare("run", pairs(10));
    ReferenceJob.Result alone = reference(data);
    ModelSpec sharing = spec("reference.prefix_sharing=true");

    ReferenceJob.Result shared = reference(data, sharing, numerics(), "store");

    assertThat(shared.computed()).isEqualTo(10);
    for (int i = 0; i < sums(alone).size(); i++) {
      assertThat(sums(shared).get(i)).isCloseTo(sums(alone).get(i), within(1e-4));
    }
    assertThat(reference(data, sharing, numerics(), "store").computed()).isZero();
    assertThat(reference(data).computed()).isZero();
  }

  @Test
  void aModelThatDiffersInItsLastNumberSharesNothing() throws IOException {
    PreparedData data = prepare("run", pairs(10));
    reference(data);
    Path weights = folder.resolve("model/model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 2] ^= 1;
    Files.write(weights, bytes);

    assertThat(reference(data).computed()).isEqualTo(10);
  }

  @Test
  void valuesAreStoredUnderTheNumericsThatComputedThem() throws IOException {
    PreparedData data = prepare("run", pairs(10));

    ReferenceJob.Result mixed = reference(data, spec(), OTHER_NUMERICS, "store");

    assertThat(mixed.exact()).isFalse();
    assertThat(reference(data, spec(), OTHER_NUMERICS, "store").computed()).isEqualTo(10);
    ReferenceJob.Result own = reference(data);
    assertThat(own.computed()).isZero();
    assertThat(own.exact()).isTrue();
  }

  @Test
  void aDamagedFileIsLeftOutAndItsRowsComputedAgain() throws IOException {
    PreparedData data = prepare("run", pairs(10));
    ReferenceJob.Result first = reference(data);
    try (Stream<Path> files = Files.walk(folder.resolve("store"))) {
      for (Path part : files.filter(file -> file.toString().endsWith(".parquet")).toList()) {
        Files.write(part, new byte[] {1, 2, 3});
      }
    }

    ReferenceJob.Result second = reference(data);

    assertThat(second.computed()).isEqualTo(10);
    assertThat(sums(second)).isEqualTo(sums(first));
  }

  @Test
  void aModelThatChangedSinceTheDriverSawItIsRefused() throws IOException {
    PreparedData data = prepare("run", pairs(10));
    ModelSpec seen = spec();
    ModelSpec stale =
        new ModelSpec(
            seen.model(), "stale", "", "", 0, seen.precision(), seen.threads(), seen.sharing());

    assertThatThrownBy(() -> reference(data, stale, numerics(), "store"))
        .isInstanceOf(CollimateException.class)
        .hasMessage(
            "The model '%s' has other files on this executor than on the driver; every machine must see the same folder",
            folder.resolve("model"));
  }

  @Test
  void executorsOfOtherNumericsAreRefused() throws IOException {
    PreparedData data = prepare("run", pairs(10));

    assertThatThrownBy(
            () ->
                new ReferenceJob(
                        JavaSparkContext.fromSparkContext(spark.sparkContext()),
                        spec(),
                        OTHER_NUMERICS,
                        Mixture.REFUSED,
                        ReferenceUse.SUMS,
                        new org.apache.hadoop.fs.Path(folder.resolve("store").toString()))
                    .run(data, PreparedData.Split.TRAIN, facts(data)))
        .isInstanceOf(CollimateException.class)
        .hasMessageStartingWith("This executor's numerics differ from the first one's")
        .hasMessageContaining("test: 'nothing' here, 'other' there");
  }

  @Test
  void aRunsStoreLiesInItsOutputUnlessItNamesOne() throws IOException {
    PreparedData data = prepare("run", pairs(10));
    RunConfig run = config("run");

    ReferenceJob.Result first =
        ReferenceJob.of(spark, run, ReferenceUse.SUMS)
            .run(data, PreparedData.Split.TRAIN, facts(data));
    ReferenceJob.Result second =
        ReferenceJob.of(spark, run, ReferenceUse.SUMS)
            .run(data, PreparedData.Split.TRAIN, facts(data));

    assertThat(first.computed()).isEqualTo(10);
    assertThat(second.computed()).isZero();
    assertThat(folder.resolve("run/reference")).isDirectory();
  }

  @Test
  void theSumIsThatOfTheModelsLogProbabilities() throws IOException {
    PreparedData data =
        prepare(
            "run",
            List.of(
                "{\"prompt_input_ids\": [5], \"chosen_input_ids\": [6, 9], \"rejected_input_ids\": [6, 7, 8]}"));

    ReferenceJob.Result result = reference(data);

    assertThat(result.values().sum("chosen", 0)).isCloseTo(logProb(5, 6, 9), within(1e-4));
    assertThat(result.values().sum("rejected", 0)).isCloseTo(logProb(5, 6, 7, 8), within(1e-4));
  }

  /** What the model itself says of all tokens after the first. */
  private double logProb(int... ids) {
    byte[] counted = new byte[ids.length];
    Arrays.fill(counted, 1, ids.length, (byte) 1);
    Engine.start(1, ComputeDevice.cpu());
    try (ModelFolder model = ModelFolder.open(LocalFolder.existing(folder.resolve("model")));
        Decoder decoder = Decoder.load(model, DecoderOptions.frozen());
        Pass pass =
            decoder.forward(
                List.of(new Sequence(ids, 1, counted)), Set.of(), Mode.EVALUATE, Adapter.ON)) {
      double sum = 0;
      for (float token : pass.values(Quantity.LOG_PROB)[0]) {
        sum += token;
      }
      return sum;
    }
  }

  @Test
  void runsThatShareAStoreMayOpenItAtOnce() throws Exception {
    org.apache.hadoop.fs.Path root =
        new org.apache.hadoop.fs.Path(folder.resolve("shared").toString());
    ExecutorService runs = Executors.newFixedThreadPool(8);
    try {
      for (int identity = 0; identity < 20; identity++) {
        TreeMap<String, String> named = new TreeMap<>(Map.of("identity", "" + identity));
        List<Callable<ReferenceStore>> opening =
            Collections.nCopies(8, () -> ReferenceStore.open(root, named, configuration));
        for (Future<ReferenceStore> opened : runs.invokeAll(opening)) {
          assertThat(Path.of(opened.get().folder())).isDirectory();
        }
      }
    } finally {
      runs.shutdownNow();
    }
  }

  private PreparedData prepare(String output, List<String> rows) throws IOException {
    Path file = folder.resolve(output + ".jsonl");
    Files.write(file, rows);
    return Prepare.run(spark, config(output, "data.train=[{path: " + file + "}]"), () -> {});
  }

  private RunConfig config(String output, String... overrides) {
    String yaml =
        """
        model: %s
        output: %s
        data: {train: [{path: pairs.jsonl}]}
        objective: {name: dpo}
        """
            .formatted(folder.resolve("model"), folder.resolve(output));
    return RunConfig.read(yaml, "run.yaml", List.of(overrides));
  }

  private ModelSpec spec(String... overrides) {
    return ReferenceSource.of(config("run", overrides), configuration);
  }

  private RowFacts facts(PreparedData data) {
    return RowFacts.load(data, PreparedData.Split.TRAIN, configuration);
  }

  private ReferenceJob.Result reference(PreparedData data) throws IOException {
    return reference(data, "store");
  }

  private ReferenceJob.Result reference(PreparedData data, String store) throws IOException {
    return reference(data, spec(), numerics(), store);
  }

  private Numerics numerics() {
    return ExecutorNumerics.ofOne(JavaSparkContext.fromSparkContext(spark.sparkContext()), spec());
  }

  private ReferenceJob.Result reference(
      PreparedData data, ModelSpec model, Numerics numerics, String store) throws IOException {
    return reference(data, model, numerics, store, ReferenceUse.SUMS);
  }

  private ReferenceJob.Result reference(PreparedData data, ReferenceUse use) throws IOException {
    return reference(data, spec(), numerics(), "store", use);
  }

  private ReferenceJob.Result reference(
      PreparedData data, ModelSpec model, Numerics numerics, String store, ReferenceUse use)
      throws IOException {
    return new ReferenceJob(
            JavaSparkContext.fromSparkContext(spark.sparkContext()),
            model,
            numerics,
            Mixture.ADMITTED,
            use,
            new org.apache.hadoop.fs.Path(folder.resolve(store).toString()))
        .run(data, PreparedData.Split.TRAIN, facts(data));
  }

  /** [counted token] of each row's sides in turn. */
  private static List<float[]> tokens(ReferenceJob.Result result) {
    List<float[]> tokens = new ArrayList<>();
    for (int row = 0; row < result.values().count(); row++) {
      Map<String, float[]> ofRow = result.values().of(ROLES, row).tokens();
      ROLES.forEach(role -> tokens.add(ofRow.get(role)));
    }
    return tokens;
  }

  private static List<Double> sums(ReferenceJob.Result result) {
    return ROLES.stream()
        .flatMap(
            role ->
                IntStream.range(0, result.values().count())
                    .mapToObj(row -> result.values().sum(role, row)))
        .toList();
  }

  private static List<String> pairs(int count) {
    List<String> rows = new ArrayList<>();
    for (int n = 0; n < count; n++) {
      rows.add(
          "{\"prompt_input_ids\": [%d, 7], \"chosen_input_ids\": [%d, 2], \"rejected_input_ids\": [5, %d, 2]}"
              .formatted(n + 3, n % 11 + 3, n % 13 + 3));
    }
    return rows;
  }
}
