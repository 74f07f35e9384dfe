package dev.collimate.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.OptionalInt;

/**
 * A decoder described by data: everything that config.json says about the mathematics, checked. All
 * families are one shape: embedding, then per layer {@code x += attention(norm(x))} and {@code x +=
 * mlp(norm(x))}, then a norm and the output head.
 *
 * @param family which checkpoint names and layouts it has
 * @param numLabels numbers that a sequence classifier's head gives for a sequence; 0: a causal
 *     language model
 * @param vocabSize rows of the embedding
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width of the MLP
 * @param maxPositions longest sequence; for learned positions the rows of their table
 * @param attention heads, biases, norms and scale
 * @param windows per layer how many tokens attention sees, the token itself included; 0: all before
 * @param norm kind of every norm but those of queries and keys, which are always RMS
 * @param normEpsilon added to the variance, or mean square, of every norm
 * @param mlp gate, bias, activation
 * @param positions how the model knows where a token stands
 * @param tiedEmbeddings whether the output head is the embedding
 * @param dropout probabilities in training
 * @param tokens special tokens, generation_config.json included
 * @param initializerRange standard deviation of fresh weights
 * @param ignoredKeys active keys of config.json that nothing here knows; a person should be told
 */
public record ModelConfig(
    Family family,
    int numLabels,
    int vocabSize,
    int hiddenSize,
    int intermediateSize,
    int maxPositions,
    Attention attention,
    List<Integer> windows,
    Norm norm,
    double normEpsilon,
    Mlp mlp,
    Positions positions,
    boolean tiedEmbeddings,
    Dropout dropout,
    SpecialTokens tokens,
    double initializerRange,
    List<String> ignoredKeys) {

  /** Which statistic a norm divides by; LAYER also subtracts the mean and has a bias. */
  public enum Norm {
    RMS,
    LAYER
  }

  /**
   * Attention of every layer.
   *
   * @param heads query heads
   * @param keyValueHeads key and value heads; divides {@code heads}
   * @param headDim width of a head
   * @param inputBias whether the query, key and value projections have a bias
   * @param outputBias whether the output projection has one
   * @param queryKeyNorm whether queries and keys pass an RMS norm per head before rotation
   * @param scale what scores are multiplied with, {@code 1 / sqrt(headDim)} but for an odd GPT-2
   * @param scaledByLayer whether layer i divides its scores by i + 1 as well
   */
  public record Attention(
      int heads,
      int keyValueHeads,
      int headDim,
      boolean inputBias,
      boolean outputBias,
      boolean queryKeyNorm,
      double scale,
      boolean scaledByLayer) {

    /** What the scores of a layer (from 0) are multiplied with. */
    public double scale(int layer) {
      return scaledByLayer ? scale / (layer + 1) : scale;
    }
  }

  /**
   * The MLP of every layer: {@code down(activation(gate(x)) * up(x))}, or without a gate {@code
   * down(activation(up(x)))}.
   */
  public record Mlp(boolean gated, boolean bias, Activation activation) {}

  /** Dropout probabilities: of the embeddings, of attention weights, of each block's output. */
  public record Dropout(double embedding, double attention, double residual) {}

  /**
   * Special token ids.
   *
   * @param bos first token of a text
   * @param eos tokens that end a generation, generation_config.json's where it gives some
   * @param pad filler
   */
  public record SpecialTokens(OptionalInt bos, List<Integer> eos, OptionalInt pad) {
    public SpecialTokens {
      eos = List.copyOf(eos);
    }
  }

  public ModelConfig {
    windows = List.copyOf(windows);
    ignoredKeys = List.copyOf(ignoredKeys);
  }

  /** Number of layers. */
  public int layers() {
    return windows.size();
  }

  /** Whether it gives scores of sequences (a reward model) and no distribution of tokens. */
  public boolean isClassifier() {
    return numLabels > 0;
  }

  /** The same body under a head that gives so many scores. */
  ModelConfig asClassifier(int labels) {
    return new ModelConfig(
        family,
        labels,
        vocabSize,
        hiddenSize,
        intermediateSize,
        maxPositions,
        attention,
        windows,
        norm,
        normEpsilon,
        mlp,
        positions,
        tiedEmbeddings,
        dropout,
        tokens,
        initializerRange,
        ignoredKeys);
  }

  /**
   * Reads config.json, and generation_config.json where there is one.
   *
   * @throws CollimateException of kind DATA that names key and value where the file is broken, or
   *     describes mathematics that is not built
   */
  public static ModelConfig read(Folder folder) {
    try {
      ObjectNode config = JsonFile.read(folder, "config.json");
      ObjectNode generation =
          folder.contains("generation_config.json")
              ? JsonFile.read(folder, "generation_config.json")
              : JsonFile.newObject();
      return ConfigParser.parse(config, generation, "config.json in " + folder.location());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Reads the text of a config.json.
   *
   * @param source where it comes from, for messages
   */
  public static ModelConfig parse(byte[] json, String source) {
    return ConfigParser.parse(JsonFile.parse(json, source), JsonFile.newObject(), source);
  }
}
