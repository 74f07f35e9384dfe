package dev.collimate.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.files.LocalFolderSink;
import dev.collimate.objective.ObjectiveSpec;
import dev.collimate.objective.Objectives;
import dev.collimate.storage.ObjectStore;
import dev.collimate.text.ByteLevelTokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CollimateTest {

  private static final String CONFIG =
      """
      {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 16,
       "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
       "num_key_value_heads": 1, "vocab_size": 300, "max_position_embeddings": 64,
       "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": true}
      """;

  @TempDir private Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @BeforeEach
  void writeInputs() throws IOException {
    Files.writeString(folder.resolve("config.json"), CONFIG);
  }

  private int run(String... arguments) {
    return Collimate.commandLine(new PrintWriter(out), new PrintWriter(err)).execute(arguments);
  }

  private int init(String output) {
    return run(
        "init",
        "--config",
        folder.resolve("config.json").toString(),
        "--tokenizer",
        folder.resolve("tokenizer").toString(),
        "--output",
        folder.resolve(output).toString(),
        "--seed",
        "7",
        "--json");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "run",
        "prepare",
        "reference",
        "train",
        "evaluate",
        "score",
        "generate",
        "judge",
        "features fit",
        "features score",
        "pair",
        "strength",
        "select",
        "scaling",
        "init",
        "merge",
        "inspect",
        "quickstart",
        "bench aggregator"
      })
  void everyCommandHasHelp(String command) {
    assertThat(run((command + " --help").split(" "))).isZero();
    assertThat(out.toString()).contains("Usage: collimate " + command).contains("--json");
  }

  @ParameterizedTest
  @ValueSource(strings = {"run", "prepare", "reference", "train", "evaluate"})
  void theHelpOfAStageNamesEveryObjective(String command) {
    assertThat(run(command, "--help")).isZero();
    List<String> words = List.of(out.toString().split("[\\s,]+"));
    for (ObjectiveSpec spec : Objectives.table()) {
      assertThat(words).contains(spec.name());
    }
  }

  @Test
  void theHelpOfRunHasTheFormulas() {
    assertThat(run("run", "--help")).isZero();
    String text = out.toString().replaceAll("\\s+", "");
    for (ObjectiveSpec spec : Objectives.table()) {
      assertThat(text).contains(spec.name() + spec.formula().replaceAll("\\s+", ""));
    }
  }

  @Test
  void helpListsTheCommands() {
    assertThat(run("--help")).isZero();
    assertThat(out.toString()).contains("init", "merge", "inspect", "bench");
  }

  @Test
  void theVersionNamesBothSparks() {
    assertThat(run("--version")).isZero();
    assertThat(out.toString()).contains("built for Spark " + BuildVersion.sparkLine());
    assertThat(BuildVersion.spark()).startsWith(BuildVersion.sparkLine() + ".");
  }

  @Test
  void aMissingCommandIsWrongUsage() {
    assertThat(run()).isEqualTo(2);
    assertThat(err.toString())
        .isEqualTo(
            "collimate: a command is missing; collimate --help lists them (collimate --help)\n");
  }

  @Test
  void anUnknownCommandIsWrongUsageAndTheNearestIsNamed() {
    assertThat(run("inspec")).isEqualTo(2);
    assertThat(err.toString())
        .isEqualTo(
            "collimate: there is no command 'inspec'; nearest is inspect (collimate --help)\n");
  }

  @Test
  void anUnknownOptionIsWrongUsage() {
    assertThat(run("inspect", ".", "--jsom")).isEqualTo(2);
    assertThat(err.toString())
        .isEqualTo(
            "collimate: there is no option '--jsom'; nearest is --json (collimate inspect"
                + " --help)\n");
  }

  @Test
  void aMissingOptionIsWrongUsage() {
    assertThat(run("init", "--config", "a", "--tokenizer", "b")).isEqualTo(2);
    assertThat(err.toString())
        .isEqualTo("collimate: Missing required option: '--output=DIR' (collimate init --help)\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"step", "data"})
  void whatBenchCannotMeasureYetIsRefusedByName(String kind) {
    assertThat(run("bench", kind, "--runs", "3")).isEqualTo(2);
    assertThat(err.toString()).isEqualTo("collimate: bench " + kind + " is not supported yet\n");
  }

  @Test
  void benchSaysWhatItCanMeasure() {
    assertThat(run("bench")).isEqualTo(2);
    assertThat(err.toString())
        .contains("bench: what to measure is missing; there are aggregator and rollout");
    assertThat(run("bench", "agregator", "--runs", "3")).isEqualTo(2);
    assertThat(err.toString())
        .contains("bench: no measurement is called 'agregator'; there are aggregator and rollout");
    assertThat(run("bench", "aggregator", "--help")).isZero();
    assertThat(out.toString()).contains("--parameters", "--workers", "--simulated", "--json");
  }

  @Test
  void benchWithoutWorkersIsWrongUsage() {
    assertThat(run("bench", "aggregator", "--workers", "0")).isEqualTo(2);
    assertThat(err.toString()).contains("--workers must be >= 1, got 0");
    assertThat(run("bench", "aggregator", "--simulated", "--processes", "0")).isEqualTo(2);
    assertThat(err.toString()).contains("--processes must be >= 1, got 0");
  }

  @Test
  void initMakesAModelThatInspectDescribes() throws IOException {
    ByteLevelTokenizer.write(new LocalFolderSink(folder.resolve("tokenizer")));
    assertThat(init("model")).as(err.toString()).isZero();
    JsonNode made = new ObjectMapper().readTree(out.toString());
    assertThat(made.get("kind").asText()).isEqualTo("model");
    assertThat(made.get("layers").asInt()).isEqualTo(2);
    assertThat(made.get("dtype").get(0).asText()).isEqualTo("float32");
    out.getBuffer().setLength(0);
    assertThat(run("inspect", folder.resolve("model").toString())).isZero();
    assertThat(out.toString())
        .contains("kind               model\n")
        .contains("tokenizer          true\n");
  }

  @Test
  void anExistingOutputIsNeverOverwritten() throws IOException {
    Files.createDirectory(folder.resolve("model"));
    assertThat(init("model")).isEqualTo(2);
    assertThat(err.toString())
        .isEqualTo(
            "collimate: --output: '"
                + folder.resolve("model")
                + "' exists; name a folder that does not\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"run", "prepare", "reference", "train", "evaluate"})
  void everyProblemOfARunFileIsALine(String command) throws IOException {
    Path file = Files.writeString(folder.resolve("run.yaml"), "model: m\nseed: x\n");
    assertThat(run(command, file.toString(), "--set", "train.lr=1", "--set", "output=o"))
        .isEqualTo(2);
    assertThat(err.toString().lines())
        .containsExactly(
            "collimate: objective: is missing ("
                + file
                + ":1); such as objective: {name: dpo,"
                + " beta: 0.1}",
            "collimate: seed: must be a whole number, got 'x' (" + file + ":2); usual is 42",
            "collimate: data.train: is missing ("
                + file
                + ":1); Sources of training rows, read in"
                + " this order",
            "collimate: train.lr: is not a key here: write train.learning_rate (--set)");
  }

  @Test
  void aMissingRunFileIsWrongUsage() {
    assertThat(run("run", "nothing.yaml")).isEqualTo(2);
    assertThat(err.toString())
        .isEqualTo(
            "collimate: RUN.yaml: there is no file 'file:"
                + Path.of("nothing.yaml").toAbsolutePath()
                + "'\n");
  }

  /** Where paths are the cluster's, a relative one is not where the command was given. */
  @Test
  void aRunFileThatIsNotOnTheClusterIsNamedInFullWithARemedy() {
    String prefix = "spark.hadoop.";
    Map<String, String> cluster = new LinkedHashMap<>();
    ObjectStore.configuration()
        .getValByRegex("^fs\\.put\\.")
        .forEach((key, value) -> cluster.put(prefix + key, value));
    cluster.put(prefix + "fs.defaultFS", ObjectStore.UNKNOWN + ":///");
    cluster.forEach(System::setProperty);
    try {
      assertThat(run("run", "nothing.yaml")).isEqualTo(2);
    } finally {
      cluster.keySet().forEach(System::clearProperty);
    }
    Path here = Path.of("nothing.yaml").toAbsolutePath();
    assertThat(err.toString())
        .isEqualTo(
            "collimate: RUN.yaml: there is no file 'put:%s'; write file:%s for a file of this machine\n"
                .formatted(here, here));
  }

  @ParameterizedTest
  @ValueSource(strings = {"hf:x", "hf://x/y"})
  void aRunFileWhereNothingCanReadIsWrongUsage(String location) {
    assertThat(run("run", location)).isEqualTo(2);
    assertThat(err.toString().lines())
        .singleElement()
        .asString()
        .startsWith("collimate: RUN.yaml: cannot open '" + location + "': ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"score --data", "generate --prompts"})
  void withoutThreadsNothingIsStarted(String command) {
    String rest = " a --model m --output o --threads 0";
    assertThat(run((command + rest).split(" "))).isEqualTo(2);
    assertThat(err.toString()).isEqualTo("collimate: --threads: must be >= 1, got 0\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "2 --temperature 0"})
  void completionsThatCannotBeAreRefusedBeforeAnythingStarts(String sequences) {
    String rest = "generate --prompts a --model m --output o --num_return_sequences ";
    assertThat(run((rest + sequences).split(" "))).isEqualTo(2);
    assertThat(err.toString()).startsWith("collimate: --num_return_sequences: ");
  }

  @Test
  void aModelThatIsMissingIsWrongUsage() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("run.yaml"),
            """
            {model: /nothing, output: /tmp/o, data: {train: [{path: a}]}, objective: {name: dpo}}
            """);
    assertThat(run("train", file.toString())).isEqualTo(2);
    assertThat(err.toString()).isEqualTo("collimate: model: there is no folder '/nothing'\n");
  }

  @Test
  void withoutAMasterNoSessionIsStarted() throws IOException {
    ByteLevelTokenizer.write(new LocalFolderSink(folder.resolve("tokenizer")));
    assertThat(init("model")).isZero();
    Path file =
        Files.writeString(
            folder.resolve("run.yaml"),
            "{model: %s, output: o, data: {train: [{path: a}]}, objective: {name: dpo}}"
                .formatted(folder.resolve("model")));
    assertThat(run("train", file.toString())).isEqualTo(2);
    assertThat(err.toString())
        .isEqualTo(
            "collimate: No Spark master is set; run the command through spark-submit or"
                + " deploy/collimate\n");
  }

  @Test
  void aJarForAnotherSparkLineStops() {
    assertThatThrownBy(() -> BuildVersion.requireLine("4.0.1"))
        .hasMessage(
            "This jar is for Spark "
                + BuildVersion.sparkLine()
                + " and was submitted to Spark 4.0.1; take collimate-"
                + BuildVersion.collimate()
                + "-spark-LINE.jar of that line");
  }

  @Test
  void aModelThatIsBrokenIsBadData() throws IOException {
    Files.createDirectory(folder.resolve("broken"));
    Files.writeString(folder.resolve("broken/config.json"), "{");
    assertThat(run("inspect", folder.resolve("broken").toString())).isEqualTo(3);
    assertThat(err.toString().lines()).hasSize(1).allMatch(line -> line.contains("config.json"));
  }

  @Test
  void aMissingFolderIsWrongUsage() {
    assertThat(run("inspect", folder.resolve("nothing").toString())).isEqualTo(2);
    assertThat(err.toString())
        .isEqualTo("collimate: PATH: there is no folder '" + folder.resolve("nothing") + "'\n");
  }

  @Test
  void aFolderOfAnotherKindIsNamed() throws IOException {
    Files.createDirectory(folder.resolve("empty"));
    assertThat(run("inspect", folder.resolve("empty").toString())).isEqualTo(2);
    assertThat(err.toString())
        .contains("is no folder that Collimate knows; a model has config.json");
  }

  @Test
  void stackTracesAreShownOnlyWhenAskedFor() {
    assertThat(run("inspect", "nothing", "--verbose")).isEqualTo(2);
    assertThat(err.toString()).contains("\tat dev.collimate.");
  }
}
