package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.checkpoint.AdapterFolder;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.checkpoint.TensorFiles;
import dev.collimate.files.Folder;
import dev.collimate.files.LocalFolder;
import dev.collimate.text.Sequence;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.function.Executable;

/** A tiny model with numbers that other people's code computed for it. */
public record ModelFixture(String name, Path path) {

  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final Set<String> SUPPORTED =
      Set.of(
          "LlamaForCausalLM",
          "MistralForCausalLM",
          "Qwen2ForCausalLM",
          "Qwen3ForCausalLM",
          "GPT2LMHeadModel");

  /**
   * One test per model of a supported architecture; says which others were skipped. The caller is
   * skipped where the folder is missing.
   */
  public static Stream<DynamicTest> eachSupported(
      String claim, Function<ModelFixture, Executable> test) throws IOException {
    Path models = root().resolve("models");
    List<ModelFixture> all;
    try (Stream<Path> folders = Files.list(models)) {
      all =
          folders
              .filter(folder -> Files.exists(folder.resolve("config.json")))
              .sorted()
              .map(folder -> new ModelFixture(folder.getFileName().toString(), folder))
              .toList();
    }
    List<ModelFixture> run = all.stream().filter(ModelFixture::isSupported).toList();
    List<String> skipped =
        all.stream().filter(model -> !model.isSupported()).map(ModelFixture::label).toList();
    System.out.printf(
        "fixtures, %s: %d models run, %d skipped %s%n",
        claim, run.size(), skipped.size(), skipped.isEmpty() ? "" : skipped);
    assertThat(run).as("supported models in %s", models).isNotEmpty();
    return run.stream().map(model -> DynamicTest.dynamicTest(model.name(), test.apply(model)));
  }

  /** One model; the test is skipped where the folder is missing. */
  public static ModelFixture named(String name) {
    return new ModelFixture(name, root().resolve("models").resolve(name));
  }

  private static Path root() {
    String root = System.getProperty("collimate.fixtures", System.getenv("COLLIMATE_FIXTURES"));
    assumeTrue(
        root != null && Files.isDirectory(Path.of(root)),
        "skipped: no fixtures folder; set collimate.fixtures or COLLIMATE_FIXTURES");
    return Path.of(root);
  }

  private boolean isSupported() {
    return SUPPORTED.contains(architecture());
  }

  private String label() {
    return name + " (" + architecture() + ")";
  }

  private String architecture() {
    return json("config.json").path("architectures").path(0).asText();
  }

  public JsonNode json(String file) {
    try {
      return MAPPER.readTree(Files.readAllBytes(path.resolve(file)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The model, with nothing trained or all weights. */
  public Decoder decoder(DecoderOptions options) {
    return open("", options);
  }

  /** The model with the adapter of its folder. */
  public Decoder adapted(DecoderOptions options) {
    Engine.start(1, ComputeDevice.cpu());
    try (ModelFolder model = ModelFolder.open(LocalFolder.existing(path));
        AdapterFolder adapter = AdapterFolder.open(LocalFolder.existing(path.resolve("adapter")))) {
      return Decoder.load(model, new AdapterSource.Continued(adapter), options);
    }
  }

  /** The smaller model of the DPO block. */
  Decoder reference() {
    return open("reference", DecoderOptions.frozen());
  }

  private Decoder open(String subfolder, DecoderOptions options) {
    Engine.start(1, ComputeDevice.cpu());
    try (ModelFolder model = ModelFolder.open(LocalFolder.existing(path.resolve(subfolder)))) {
      return Decoder.load(model, options);
    }
  }

  /** A tensor of a safetensors file of expectations, flat. */
  public float[] tensor(String file, String tensor) {
    try (TensorFiles files = TensorFiles.openModel(new AsModel(LocalFolder.existing(path), file))) {
      FloatBuffer values = FloatBuffer.allocate((int) files.elements(tensor));
      files.readFloat32(tensor, 0, values);
      return values.array();
    }
  }

  /** Logits of rows without padding, [batch * seq * vocab] flat. */
  public static float[] logits(Decoder decoder, int[][] ids) {
    boolean[][] valid = new boolean[ids.length][ids[0].length];
    int[][] positions = new int[ids.length][ids[0].length];
    for (int row = 0; row < ids.length; row++) {
      for (int t = 0; t < ids[row].length; t++) {
        valid[row][t] = true;
        positions[row][t] = t;
      }
    }
    return decoder.logits(ids, valid, positions, CausalModel.Adapter.ON);
  }

  /** A folder in which one file stands under the name of a model's weights. */
  private record AsModel(Folder folder, String file) implements Folder {
    private static final String NAME = "model.safetensors";

    @Override
    public String location() {
      return folder.location();
    }

    @Override
    public List<String> names() {
      return List.of(NAME);
    }

    @Override
    public File open(String name) throws IOException {
      return folder.open(file);
    }
  }

  public static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).asInt();
    }
    return values;
  }

  public static int[][] rows(JsonNode matrix) {
    int[][] rows = new int[matrix.size()][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = ints(matrix.get(i));
    }
    return rows;
  }

  /**
   * The real tokens of a padded row.
   *
   * @param mask 1 on real tokens
   * @param promptLength real tokens that do not count
   */
  static Sequence sequence(int[] ids, int[] mask, int promptLength) {
    int length = 0;
    int[] real = new int[ids.length];
    for (int t = 0; t < ids.length; t++) {
      if (mask[t] == 1) {
        real[length++] = ids[t];
      }
    }
    byte[] counts = new byte[length];
    for (int t = promptLength; t < length; t++) {
      counts[t] = 1;
    }
    return new Sequence(Arrays.copyOf(real, length), promptLength, counts);
  }
}
