package dev.collimate.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * config.json to {@link ModelConfig}, with transformers' defaults for each family's missing keys.
 *
 * <p>What happens to a key that no line here reads: where it is known to change nothing ({@link
 * #HARMLESS}), or its value is null, false or empty, it is passed over. Where its name is of the
 * kind that changes the mathematics ({@link #MATHEMATICS}) and its value is neither 0 nor 1, it is
 * an error. Any other is listed in {@link ModelConfig#ignoredKeys()}, since transformers does not
 * read it for these families either.
 */
final class ConfigParser {

  private static final Pattern MATHEMATICS =
      Pattern.compile(
          "quantization|compression_config|expert|moe|softcap|logits?_scal|multiplier|query_pre_attn"
              + "|scale_emb|scale_depth|clip_qkv|alibi|parallel|qk_norm|qk_layernorm|lora_rank"
              + "|rope|rotary|encoder_decoder|cross_attention|pruned_heads|attention_sink"
              + "|norm_type|layer_norm_type");

  private static final Set<String> HARMLESS =
      Set.of(
          ("_name_or_path _attn_implementation _attn_implementation_autoset attn_implementation"
                  + " _from_model_config model_type torch_dtype dtype transformers_version use_cache"
                  + " return_dict output_hidden_states output_attentions torchscript use_bfloat16"
                  + " pretraining_tp id2label label2id num_labels problem_type finetuning_task"
                  + " tokenizer_class prefix task_specific_params n_ctx summary_activation"
                  + " summary_first_dropout summary_proj_to_labels summary_type summary_use_proj"
                  + " reorder_and_upcast_attn chunk_size_feed_forward is_decoder"
                  + " max_length min_length do_sample early_stopping num_beams num_beam_groups"
                  + " diversity_penalty temperature top_k top_p typical_p repetition_penalty"
                  + " length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size bad_words_ids"
                  + " num_return_sequences output_scores return_dict_in_generate"
                  + " forced_bos_token_id forced_eos_token_id remove_invalid_values"
                  + " exponential_decay_length_penalty suppress_tokens begin_suppress_tokens"
                  + " sep_token_id decoder_start_token_id tie_encoder_decoder tf_legacy_loss")
              .split(" "));

  private final ConfigKeys keys;
  private final ConfigKeys generation;
  private final Family family;
  private final int numLabels;

  private ConfigParser(ConfigKeys keys, ConfigKeys generation) {
    this.keys = keys;
    this.generation = generation;
    family = family(keys);
    numLabels = isClassifier(keys) ? numLabels(keys) : 0;
  }

  static ModelConfig parse(ObjectNode config, ObjectNode generation, String source) {
    ConfigParser parser =
        new ConfigParser(
            new ConfigKeys(config, source), new ConfigKeys(generation, "generation_" + source));
    return parser.parse();
  }

  private static Family family(ConfigKeys keys) {
    String modelType = keys.text("model_type", "");
    Family family = null;
    if (keys.has("architectures")) {
      List<String> architectures = keys.texts("architectures");
      family =
          architectures.size() == 1
              ? Family.ofArchitecture(architectures.get(0)).orElse(null)
              : null;
      if (family == null) {
        throw keys.bad("architectures", "one of " + Family.architectures() + " is supported");
      }
      if (!modelType.isEmpty() && !modelType.equals(family.modelType())) {
        throw keys.bad(
            "model_type",
            "'%s' is expected for %s".formatted(family.modelType(), architectures.get(0)));
      }
      return family;
    }
    for (Family candidate : Family.values()) {
      if (candidate.modelType().equals(modelType)) {
        return candidate;
      }
    }
    throw keys.bad("architectures", "one of " + Family.architectures() + " is expected");
  }

  private boolean isClassifier(ConfigKeys keys) {
    return keys.has("architectures") && keys.texts("architectures").contains(family.classifier());
  }

  /** transformers writes the labels' names, and for its usual two nothing. */
  private static int numLabels(ConfigKeys keys) {
    int named = keys.has("id2label") ? keys.node("id2label").size() : 2;
    int labels = keys.size("num_labels", named);
    if (keys.has("id2label") && labels != named) {
      throw keys.bad(
          "num_labels", "as many as 'id2label' names (%d) are expected".formatted(named));
    }
    if (labels < 1) {
      throw keys.bad("id2label", "at least one label is expected");
    }
    return labels;
  }

  private ModelConfig parse() {
    boolean gpt2 = family == Family.GPT2;
    int vocabSize = keys.size("vocab_size");
    int hiddenSize = gpt2 ? size("n_embd", "hidden_size") : keys.size("hidden_size");
    int layers = gpt2 ? size("n_layer", "num_hidden_layers") : keys.size("num_hidden_layers");
    int maxPositions =
        gpt2
            ? size("n_positions", "max_position_embeddings")
            : keys.size("max_position_embeddings", defaultPositions());
    int intermediateSize = gpt2 ? innerSize(hiddenSize) : keys.size("intermediate_size");
    ModelConfig.Attention attention = attention(hiddenSize);
    List<Integer> windows = windows(layers);
    double epsilon =
        gpt2
            ? keys.positiveNumber("layer_norm_epsilon", 1e-5)
            : keys.positiveNumber("rms_norm_eps", 1e-6);
    ModelConfig.Mlp mlp =
        new ModelConfig.Mlp(
            !gpt2, gpt2 || (family == Family.LLAMA && keys.flag("mlp_bias", false)), activation());
    Positions positions =
        gpt2 ? new Positions.Learned(maxPositions) : RopeParser.parse(keys, attention.headDim());
    boolean tied = keys.flag("tie_word_embeddings", gpt2);
    double initializerRange = keys.positiveNumber("initializer_range", 0.02);
    ModelConfig.Dropout dropout = dropout();
    ModelConfig.SpecialTokens tokens = tokens(vocabSize);
    return new ModelConfig(
        family,
        numLabels,
        vocabSize,
        hiddenSize,
        intermediateSize,
        maxPositions,
        attention,
        windows,
        gpt2 ? ModelConfig.Norm.LAYER : ModelConfig.Norm.RMS,
        epsilon,
        mlp,
        positions,
        tied,
        dropout,
        tokens,
        initializerRange,
        ignoredKeys());
  }

  /** A required size of GPT-2, whose keys have a second name in transformers. */
  private int size(String key, String alias) {
    if (!keys.has(alias)) {
      return keys.size(key);
    }
    int value = keys.size(alias);
    if (keys.has(key) && keys.size(key) != value) {
      throw keys.bad(alias, "the same as '%s' is expected".formatted(key));
    }
    return value;
  }

  /** GPT-2's width inside the MLP; usually four times that of the model. */
  private int innerSize(int hiddenSize) {
    return keys.has("n_inner") ? keys.size("n_inner") : product(widthKey(), 4, hiddenSize);
  }

  private String widthKey() {
    return keys.has("hidden_size") ? "hidden_size" : "n_embd";
  }

  /** A size of a weight that is the product of two others; the key is of one of them. */
  private int product(String key, int a, int b) {
    long product = (long) a * b;
    if (product > Integer.MAX_VALUE) {
      throw keys.bad(
          key,
          "which makes a weight of %d rows, at most 2147483647 are supported".formatted(product));
    }
    return (int) product;
  }

  private int defaultPositions() {
    return switch (family) {
      case LLAMA -> 2048;
      case MISTRAL -> 131_072;
      case QWEN2, QWEN3 -> 32_768;
      case GPT2 -> 1024;
    };
  }

  private ModelConfig.Attention attention(int hiddenSize) {
    boolean gpt2 = family == Family.GPT2;
    String headsKey = gpt2 ? "n_head" : "num_attention_heads";
    int heads = gpt2 ? size("n_head", "num_attention_heads") : keys.size(headsKey);
    int keyValueHeads = gpt2 ? heads : keyValueHeads(heads);
    if (heads % keyValueHeads != 0) {
      throw keys.bad(
          "num_key_value_heads", "a divisor of %s = %d is expected".formatted(headsKey, heads));
    }
    int headDim;
    if (!gpt2 && keys.has("head_dim")) {
      headDim = keys.size("head_dim");
    } else if (family == Family.QWEN3) {
      headDim = 128;
    } else if (hiddenSize % heads == 0) {
      headDim = hiddenSize / heads;
    } else {
      throw keys.bad(
          headsKey, "a divisor of the hidden size = %d is expected".formatted(hiddenSize));
    }
    if (gpt2) {
      // Queries, keys and values are one weight.
      product(widthKey(), 3, hiddenSize);
    } else {
      product(keys.has("head_dim") ? "head_dim" : headsKey, heads, headDim);
    }
    boolean attentionBias =
        (family == Family.LLAMA || family == Family.QWEN3) && keys.flag("attention_bias", false);
    boolean scaled = !gpt2 || keys.flag("scale_attn_weights", true);
    return new ModelConfig.Attention(
        heads,
        keyValueHeads,
        headDim,
        gpt2 || family == Family.QWEN2 || attentionBias,
        gpt2 || attentionBias,
        family == Family.QWEN3,
        scaled ? 1 / Math.sqrt(headDim) : 1,
        gpt2 && keys.flag("scale_attn_by_inverse_layer_idx", false));
  }

  private int keyValueHeads(int heads) {
    int otherwise =
        switch (family) {
          case LLAMA, GPT2 -> heads;
          case MISTRAL -> 8;
          case QWEN2, QWEN3 -> 32;
        };
    // An explicit null means as many as query heads in every family.
    return keys.size(
        "num_key_value_heads", keys.contains("num_key_value_heads") ? heads : otherwise);
  }

  private List<Integer> windows(int layers) {
    int window = 0;
    int firstSliding = 0;
    if (family == Family.MISTRAL) {
      window = keys.size("sliding_window", keys.contains("sliding_window") ? 0 : 4096);
    } else if (family == Family.QWEN2 || family == Family.QWEN3) {
      int size = keys.size("sliding_window", keys.contains("sliding_window") ? 0 : 4096);
      window = keys.flag("use_sliding_window", false) ? size : 0;
      firstSliding = (int) keys.number("max_window_layers", 28);
    }
    if (keys.has("layer_types")) {
      return windowsByType(layers, window);
    }
    int slidingWindow = window;
    int first = firstSliding;
    return IntStream.range(0, layers).mapToObj(i -> i >= first ? slidingWindow : 0).toList();
  }

  private List<Integer> windowsByType(int layers, int window) {
    List<String> types = keys.texts("layer_types");
    if (types.size() != layers) {
      throw keys.bad("layer_types", "one entry per layer (%d) is expected".formatted(layers));
    }
    List<Integer> windows = new ArrayList<>();
    for (String type : types) {
      boolean sliding = type.equals("sliding_attention");
      if (sliding ? window == 0 : !type.equals("full_attention")) {
        throw keys.bad(
            "layer_types",
            "full_attention, or with an active sliding_window sliding_attention, is supported");
      }
      windows.add(sliding ? window : 0);
    }
    return windows;
  }

  private Activation activation() {
    String key = family == Family.GPT2 ? "activation_function" : "hidden_act";
    return switch (keys.text(key, family == Family.GPT2 ? "gelu_new" : "silu")) {
      case "silu", "swish" -> Activation.SILU;
      case "gelu" -> Activation.GELU;
      case "gelu_new", "gelu_pytorch_tanh" -> Activation.GELU_TANH;
      default -> throw keys.bad(key, "silu, gelu, gelu_new and gelu_pytorch_tanh are supported");
    };
  }

  private ModelConfig.Dropout dropout() {
    if (family == Family.GPT2) {
      return new ModelConfig.Dropout(
          keys.dropout("embd_pdrop", 0.1),
          keys.dropout("attn_pdrop", 0.1),
          keys.dropout("resid_pdrop", 0.1));
    }
    return new ModelConfig.Dropout(0, keys.dropout("attention_dropout", 0), 0);
  }

  private ModelConfig.SpecialTokens tokens(int vocabSize) {
    OptionalInt bos = keys.token("bos_token_id", vocabSize);
    OptionalInt pad = keys.token("pad_token_id", vocabSize);
    List<Integer> eos = keys.tokens("eos_token_id", vocabSize);
    List<Integer> generationEos = generation.tokens("eos_token_id", vocabSize);
    // A classifier's pad token decides where its score is read, and is config.json's alone.
    OptionalInt generationPad =
        numLabels > 0 ? OptionalInt.empty() : generation.token("pad_token_id", vocabSize);
    return new ModelConfig.SpecialTokens(
        bos.isPresent() ? bos : generation.token("bos_token_id", vocabSize),
        generationEos.isEmpty() ? eos : generationEos,
        pad.isPresent() ? pad : generationPad);
  }

  private List<String> ignoredKeys() {
    keys.ignore(HARMLESS);
    List<String> ignored = new ArrayList<>();
    for (String key : keys.unread()) {
      if (!MATHEMATICS.matcher(key).find()) {
        ignored.add(key);
      } else if (!isNeutral(keys.node(key))) {
        throw keys.bad(
            key,
            "which changes the mathematics and is not supported for %s"
                .formatted(family.architecture()));
      }
    }
    Collections.sort(ignored);
    return ignored;
  }

  /** No experts, or a factor of one. */
  private static boolean isNeutral(JsonNode value) {
    return value.isNumber() && (value.doubleValue() == 0 || value.doubleValue() == 1);
  }
}
