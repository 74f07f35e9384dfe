package dev.collimate.checkpoint;

import dev.collimate.checkpoint.DecoderLayout.Layer;
import dev.collimate.checkpoint.DecoderLayout.Linear;
import dev.collimate.checkpoint.DecoderLayout.NormWeights;
import dev.collimate.checkpoint.DecoderLayout.Table;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** transformers' tensor names: one scheme for the Llama-like families, one for GPT-2. */
final class DecoderNames {

  private static final String HEAD = "lm_head";
  static final String SCORE = "score";

  private final ModelConfig config;
  private final String prefix;
  private final String body;
  private final boolean biasedNorms;

  /**
   * @param prefix what the body's tensor names begin with in the checkpoint
   */
  DecoderNames(ModelConfig config, String prefix) {
    this.config = config;
    this.prefix = prefix;
    body = config.family().bodyModule() + ".";
    biasedNorms = config.norm() == ModelConfig.Norm.LAYER;
  }

  DecoderLayout layout() {
    boolean gpt2 = config.family() == Family.GPT2;
    String tokens = gpt2 ? "wte" : "embed_tokens";
    int hidden = config.hiddenSize();
    Optional<Table> positions =
        config.positions() instanceof Positions.Learned learned
            ? Optional.of(new Table(prefix + "wpe.weight", learned.count(), hidden))
            : Optional.empty();
    List<Layer> layers =
        IntStream.range(0, config.layers())
            .mapToObj(i -> gpt2 ? gpt2Layer("h." + i + ".") : llamaLayer("layers." + i + "."))
            .toList();
    return new DecoderLayout(
        new Table(prefix + tokens + ".weight", config.vocabSize(), hidden),
        positions,
        layers,
        norm(gpt2 ? "ln_f" : "norm", hidden),
        head(tokens),
        !config.isClassifier() && config.tiedEmbeddings());
  }

  private Linear head(String tokens) {
    if (config.isClassifier()) {
      return new Linear(SCORE, SCORE, config.hiddenSize(), config.numLabels(), false, false);
    }
    String path = config.tiedEmbeddings() ? prefix + tokens : HEAD;
    return new Linear(HEAD, path, config.hiddenSize(), config.vocabSize(), false, false);
  }

  private Layer llamaLayer(String layer) {
    ModelConfig.Attention attention = config.attention();
    int hidden = config.hiddenSize();
    int intermediate = config.intermediateSize();
    int queries = attention.heads() * attention.headDim();
    int keys = attention.keyValueHeads() * attention.headDim();
    boolean inputBias = attention.inputBias();
    boolean mlpBias = config.mlp().bias();
    String self = layer + "self_attn.";
    Optional<NormWeights> queryNorm = Optional.empty();
    Optional<NormWeights> keyNorm = Optional.empty();
    if (attention.queryKeyNorm()) {
      queryNorm = Optional.of(norm(self + "q_norm", attention.headDim()));
      keyNorm = Optional.of(norm(self + "k_norm", attention.headDim()));
    }
    return new Layer(
        norm(layer + "input_layernorm", hidden),
        List.of(
            linear(self + "q_proj", hidden, queries, inputBias),
            linear(self + "k_proj", hidden, keys, inputBias),
            linear(self + "v_proj", hidden, keys, inputBias)),
        queryNorm,
        keyNorm,
        linear(self + "o_proj", queries, hidden, attention.outputBias()),
        norm(layer + "post_attention_layernorm", hidden),
        Optional.of(linear(layer + "mlp.gate_proj", hidden, intermediate, mlpBias)),
        linear(layer + "mlp.up_proj", hidden, intermediate, mlpBias),
        linear(layer + "mlp.down_proj", intermediate, hidden, mlpBias));
  }

  private Layer gpt2Layer(String layer) {
    int hidden = config.hiddenSize();
    int intermediate = config.intermediateSize();
    return new Layer(
        norm(layer + "ln_1", hidden),
        List.of(conv1d(layer + "attn.c_attn", hidden, Math.multiplyExact(3, hidden))),
        Optional.empty(),
        Optional.empty(),
        conv1d(layer + "attn.c_proj", hidden, hidden),
        norm(layer + "ln_2", hidden),
        Optional.empty(),
        conv1d(layer + "mlp.c_fc", hidden, intermediate),
        conv1d(layer + "mlp.c_proj", intermediate, hidden));
  }

  private NormWeights norm(String module, int size) {
    return new NormWeights(prefix + module, size, biasedNorms);
  }

  private Linear linear(String module, int inputs, int outputs, boolean bias) {
    return new Linear(body + module, prefix + module, inputs, outputs, bias, false);
  }

  private Linear conv1d(String module, int inputs, int outputs) {
    return new Linear(body + module, prefix + module, inputs, outputs, true, true);
  }
}
