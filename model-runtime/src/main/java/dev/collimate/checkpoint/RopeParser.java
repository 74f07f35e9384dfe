package dev.collimate.checkpoint;

import java.util.List;

/**
 * Rotary positions from config.json, in both of transformers' layouts: {@code rope_theta} with
 * {@code rope_scaling} (whose kind is {@code rope_type} or the older {@code type}), or both inside
 * {@code rope_parameters}.
 */
final class RopeParser {

  private static final double DEFAULT_THETA = 10_000;

  private RopeParser() {}

  static Rope parse(ConfigKeys config, int headDim) {
    if (headDim % 2 != 0) {
      throw config.bad(
          "head_dim", "rotary positions need an even head size, %d is odd".formatted(headDim));
    }
    double theta = config.positiveNumber("rope_theta", DEFAULT_THETA);
    if (config.has("rope_parameters")) {
      if (config.has("rope_scaling")) {
        throw config.bad(
            "rope_scaling", "only one of rope_scaling and rope_parameters is accepted");
      }
      ConfigKeys parameters = config.object("rope_parameters");
      return new Rope(parameters.positiveNumber("rope_theta", theta), scaling(parameters));
    }
    return new Rope(
        theta,
        config.has("rope_scaling") ? scaling(config.object("rope_scaling")) : new Rope.Plain());
  }

  private static Rope.Scaling scaling(ConfigKeys keys) {
    String type = keys.text("type", keys.text("rope_type", "default"));
    if (!keys.text("rope_type", type).equals(type)) {
      throw keys.bad("type", "the same as 'rope_type' is expected");
    }
    String typeKey = keys.has("rope_type") ? "rope_type" : "type";
    Rope.Scaling scaling =
        switch (type) {
          case "default" -> new Rope.Plain();
          case "linear" -> new Rope.Linear(required(keys, "factor"));
          case "llama3" -> llama3(keys);
          default -> throw keys.bad(typeKey, "default, linear and llama3 are supported");
        };
    // Only llama3 reads it; files of the other kinds may carry it.
    keys.has("original_max_position_embeddings");
    if (keys.number("partial_rotary_factor", 1) != 1) {
      throw keys.bad("partial_rotary_factor", "only 1 is supported");
    }
    List<String> unread = keys.unread();
    if (!unread.isEmpty()) {
      throw keys.bad(unread.get(0), "which is not supported for rotary positions of kind " + type);
    }
    return scaling;
  }

  private static Rope.Scaling llama3(ConfigKeys keys) {
    double factor = required(keys, "factor");
    double low = required(keys, "low_freq_factor");
    double high = required(keys, "high_freq_factor");
    if (!(low < high)) {
      throw keys.bad("low_freq_factor", "a number below high_freq_factor is expected");
    }
    return new Rope.Llama3(factor, low, high, keys.size("original_max_position_embeddings"));
  }

  private static double required(ConfigKeys keys, String key) {
    if (!keys.has(key)) {
      throw keys.bad(key, "a number above 0 is expected");
    }
    return keys.positiveNumber(key, 1);
  }
}
