package dev.collimate.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.collimate.Fixtures;
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
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.function.Executable;

/** A tiny model with numbers that other people's code computed for it. */
public record ModelFixture(String name, Path path) {

  private static final ObjectMapper MAPPER = new ObjectMapper();

  /**
   * One test per causal language model of a supported architecture; says which others were skipped.
   * The caller is skipped where the folder is missing.
   */
  public static Stream<DynamicTest> eachSupported(
      String claim, Function<ModelFixture, Executable> test) throws IOException {
    List<ModelFixture> run = supported(claim, "config.json", Fixtures::isCausal);
    assertThat(run).as("supported models of the fixtures").isNotEmpty();
    return run.stream().map(model -> DynamicTest.dynamicTest(model.name(), test.apply(model)));
  }

  /** One test per sequence classifier of a supported architecture. */
  static Stream<DynamicTest> eachClassifier(String claim, Function<ModelFixture, Executable> test)
      throws IOException {
    List<ModelFixture> run = supported(claim, "config.json", Fixtures::isClassifier);
    assertThat(run).as("sequence classifiers of the fixtures").isNotEmpty();
    return run.stream().map(model -> DynamicTest.dynamicTest(model.name(), test.apply(model)));
  }

  /** One test per such model whose folder has a file; the caller is skipped where none has. */
  public static Stream<DynamicTest> eachWith(
      String file, String claim, Function<ModelFixture, Executable> test) throws IOException {
    List<ModelFixture> run = supported(claim, file, Fixtures::isCausal);
    assumeTrue(!run.isEmpty(), "skipped: no supported model of the fixtures has " + file);
    return run.stream().map(model -> DynamicTest.dynamicTest(model.name(), test.apply(model)));
  }

  private static List<ModelFixture> supported(String claim, String file, Predicate<Path> wanted)
      throws IOException {
    List<ModelFixture> all;
    try (Stream<Path> folders = Files.list(Fixtures.path("models"))) {
      all =
          folders
              .filter(folder -> Files.exists(folder.resolve("config.json")))
              .filter(folder -> Files.exists(folder.resolve(file)))
              .sorted()
              .map(folder -> new ModelFixture(folder.getFileName().toString(), folder))
              .toList();
    }
    List<ModelFixture> run = all.stream().filter(model -> wanted.test(model.path())).toList();
    List<String> skipped =
        all.stream()
            .filter(model -> !Fixtures.isSupported(model.path()))
            .map(ModelFixture::label)
            .toList();
    System.out.printf(
        "fixtures, %s: %d models run, %d skipped %s%n",
        claim, run.size(), skipped.size(), skipped.isEmpty() ? "" : skipped);
    return run;
  }

  private String label() {
    return name + " (" + Fixtures.architecture(path) + ")";
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
