package dev.collimate.config;

import static dev.collimate.config.Key.Role.IDENTITY;
import static dev.collimate.config.Key.Role.OPERATIONAL;

import dev.collimate.nn.DecoderOptions.Sharing;
import java.util.Optional;

/** The {@code reference} section. */
public record ReferenceConfig(
    @Key(
            role = OPERATIONAL,
            usual = "null",
            needsReference = true,
            meaning = "Folder of log-probs that runs share; `null`: `<output>/reference`.")
        Optional<String> store,
    @Key(
            role = IDENTITY,
            usual = "false",
            needsReference = true,
            meaning =
                "The same as `train.prefix_sharing` for these log-probs; stored ones of the other"
                    + " way are not used.")
        boolean prefixSharing) {

  /** What {@code prefix_sharing} means for the model. */
  public Sharing sharing() {
    return prefixSharing ? Sharing.PREFIXES : Sharing.NONE;
  }
}
