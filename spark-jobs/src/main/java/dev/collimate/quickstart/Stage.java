package dev.collimate.quickstart;

import dev.collimate.config.RunConfig;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/** The runs of the quick start, in their order; each is a run file of its own. */
enum Stage {
  SFT("base", "demonstrations.jsonl"),
  CONTROL("sft/model", "chosen.jsonl"),
  DPO("sft/model", "preferences.jsonl");

  private final String model;
  private final String rows;

  Stage(String model, String rows) {
    this.model = model;
    this.rows = rows;
  }

  /** Its run directory within the quick start's. */
  String directory() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The folder of its model within the quick start's directory. */
  String result() {
    return directory() + "/model";
  }

  /**
   * The run file.
   *
   * @param root the quick start's directory
   * @param workers most workers at a time
   */
  RunConfig run(String root, long seed, int workers) {
    String name = directory() + ".yaml";
    List<String> places =
        List.of(
            "model=" + quoted(root + "/" + model),
            "output=" + quoted(root + "/" + directory()),
            "seed=" + seed,
            "data.train=[{format: json, path: "
                + quoted(root + "/" + Inputs.DIRECTORY + "/" + rows)
                + "}]",
            "data.max_length=64",
            "cluster.workers=" + workers);
    return RunConfig.read(new String(Stage.resource(name), StandardCharsets.UTF_8), name, places);
  }

  /** A file that stands beside these classes. */
  static byte[] resource(String name) {
    try (InputStream file = Stage.class.getResourceAsStream(name)) {
      if (file == null) {
        throw new IllegalStateException("the jar lacks " + name);
      }
      return file.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String quoted(String text) {
    return "'" + text.replace("'", "''") + "'";
  }
}
