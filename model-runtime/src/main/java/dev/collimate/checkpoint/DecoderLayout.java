package dev.collimate.checkpoint;

import dev.collimate.CollimateException;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.parameters.ParameterLayout.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The tensors of a decoder's checkpoint: which there are, under which names, in which layout.
 *
 * @param tokens token embedding [vocab, hidden]
 * @param positions learned positions [max positions, hidden], only in GPT-2
 * @param layers in order
 * @param finalNorm before the output head
 * @param head the output head, or what gives a classifier's scores; where it is tied, its weight is
 *     the token embedding's
 * @param tied whether it is
 */
public record DecoderLayout(
    Table tokens,
    Optional<Table> positions,
    List<Layer> layers,
    NormWeights finalNorm,
    Linear head,
    boolean tied) {

  /** An embedding: one row per id. */
  public record Table(String weight, int rows, int columns) {
    Parameter parameter() {
      return new Parameter(weight, List.of((long) rows, (long) columns));
    }
  }

  /** A norm's weight [size], and for layer norms its bias [size]. */
  public record NormWeights(String path, int size, boolean hasBias) {

    public String weight() {
      return path + ".weight";
    }

    public String bias() {
      return path + ".bias";
    }

    Stream<Parameter> parameters() {
      return vectors(size, hasBias, weight(), bias());
    }

    private static Stream<Parameter> vectors(
        long size, boolean hasBias, String weight, String bias) {
      Parameter first = new Parameter(weight, List.of(size));
      return hasBias ? Stream.of(first, new Parameter(bias, List.of(size))) : Stream.of(first);
    }
  }

  /**
   * A linear map.
   *
   * @param module its path in transformers' model, as PEFT knows it
   * @param path its path in the checkpoint, which may lack the body's prefix
   * @param inputs width of what it reads
   * @param outputs width of what it gives
   * @param hasBias whether it adds a bias [outputs]
   * @param transposed whether the weight is stored [inputs, outputs] (GPT-2's Conv1D) instead of
   *     [outputs, inputs]
   */
  public record Linear(
      String module, String path, int inputs, int outputs, boolean hasBias, boolean transposed) {

    public String weight() {
      return path + ".weight";
    }

    public String bias() {
      return path + ".bias";
    }

    /** Shape of the weight as stored. */
    public List<Long> weightShape() {
      return transposed
          ? List.of((long) inputs, (long) outputs)
          : List.of((long) outputs, (long) inputs);
    }

    Stream<Parameter> parameters() {
      Parameter matrix = new Parameter(weight(), weightShape());
      return hasBias
          ? Stream.of(matrix, new Parameter(bias(), List.of((long) outputs)))
          : Stream.of(matrix);
    }
  }

  /**
   * One layer.
   *
   * @param attentionNorm before attention
   * @param attentionInputs query, key and value projections; or one that gives the three side by
   *     side
   * @param queryNorm per-head norm [head_dim] of the queries, only in Qwen3
   * @param keyNorm the same of the keys
   * @param attentionOutput after attention
   * @param mlpNorm before the MLP
   * @param gate where the MLP is gated
   * @param up hidden to intermediate
   * @param down intermediate to hidden
   */
  public record Layer(
      NormWeights attentionNorm,
      List<Linear> attentionInputs,
      Optional<NormWeights> queryNorm,
      Optional<NormWeights> keyNorm,
      Linear attentionOutput,
      NormWeights mlpNorm,
      Optional<Linear> gate,
      Linear up,
      Linear down) {

    public Layer {
      attentionInputs = List.copyOf(attentionInputs);
    }

    /** Whether query, key and value come out of one projection. */
    public boolean isFused() {
      return attentionInputs.size() == 1;
    }

    /** The linear maps, in the order of the model. */
    public List<Linear> linears() {
      List<Linear> linears = new ArrayList<>(attentionInputs);
      linears.add(attentionOutput);
      gate.ifPresent(linears::add);
      linears.add(up);
      linears.add(down);
      return List.copyOf(linears);
    }
  }

  public DecoderLayout {
    layers = List.copyOf(layers);
  }

  /** The layout under the names that transformers writes. */
  public static DecoderLayout of(ModelConfig config) {
    return new DecoderNames(config, config.family().bodyModule() + ".").layout();
  }

  /**
   * The layout under the names that a checkpoint has, checked against it: every tensor is there,
   * with its shape, in a type of weights, and there is no other. Buffers of old checkpoints (rotary
   * frequencies, causal masks) are passed over; so is a stored copy of a tied head.
   *
   * @throws CollimateException of kind DATA that names the tensor
   */
  static DecoderLayout of(ModelConfig config, TensorFiles tensors, String location) {
    String prefix = config.family().bodyModule() + ".";
    DecoderLayout bare = new DecoderNames(config, "").layout();
    DecoderLayout layout =
        tensors.contains(bare.tokens.weight()) ? bare : new DecoderNames(config, prefix).layout();
    new LayoutCheck(layout, tensors, location).run();
    return layout;
  }

  /** Whether the head gives scores of sequences. */
  boolean isClassifier() {
    return head.module().equals(DecoderNames.SCORE);
  }

  /** The same body under another head, which has a weight of its own. */
  DecoderLayout withHead(Linear other) {
    return new DecoderLayout(tokens, positions, layers, finalNorm, other, /* tied= */ false);
  }

  /** The linear maps in the order of the model, the head last. */
  public List<Linear> linears() {
    return Stream.concat(
            layers.stream().flatMap(layer -> layer.linears().stream()), Stream.of(head))
        .toList();
  }

  /** Every stored tensor once, in transformers' order; a tied head has none of its own. */
  public ParameterLayout parameters() {
    List<Parameter> parameters = new ArrayList<>();
    parameters.add(tokens.parameter());
    positions.ifPresent(table -> parameters.add(table.parameter()));
    for (Layer layer : layers) {
      boolean normsFirst = layer.isFused();
      Stream<NormWeights> queryKeyNorms =
          Stream.concat(layer.queryNorm().stream(), layer.keyNorm().stream());
      Stream<Parameter> attention =
          Stream.of(
                  layer.attentionInputs().stream().flatMap(Linear::parameters),
                  layer.attentionOutput().parameters(),
                  queryKeyNorms.flatMap(NormWeights::parameters))
              .flatMap(part -> part);
      Stream<Parameter> mlp =
          Stream.concat(layer.gate().stream(), Stream.of(layer.up(), layer.down()))
              .flatMap(Linear::parameters);
      Stream<Parameter> attentionNorm = layer.attentionNorm().parameters();
      Stream<Parameter> mlpNorm = layer.mlpNorm().parameters();
      (normsFirst
              ? Stream.of(attentionNorm, attention, mlpNorm, mlp)
              : Stream.of(attention, mlp, attentionNorm, mlpNorm))
          .flatMap(part -> part)
          .forEach(parameters::add);
    }
    finalNorm.parameters().forEach(parameters::add);
    if (!tied) {
      head.parameters().forEach(parameters::add);
    }
    return new ParameterLayout(parameters);
  }
}
