package dev.collimate.config;

import static dev.collimate.config.Key.Role.OPERATIONAL;

import java.util.Optional;

/** The {@code reference} section. */
public record ReferenceConfig(
    @Key(
            role = OPERATIONAL,
            usual = "null",
            needsReference = true,
            meaning = "Folder of log-probs that runs share; `null`: `<output>/reference`.")
        Optional<String> store) {}
