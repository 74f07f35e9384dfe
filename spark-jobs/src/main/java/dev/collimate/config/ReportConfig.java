package dev.collimate.config;

import static dev.collimate.config.Key.Role.OPERATIONAL;

/** The {@code report} section. */
public record ReportConfig(
    @Key(
            role = OPERATIONAL,
            usual = "8",
            range = ">= 0",
            meaning = "Held-out prompts that are answered greedily before and after training.")
        int samples,
    @Key(
            role = OPERATIONAL,
            usual = "128",
            range = ">= 1",
            meaning = "Most new tokens of a sample.")
        int maxNewTokens) {}
