package dev.collimate.config;

import static dev.collimate.config.Key.Role.IDENTITY;

import java.util.List;
import java.util.Optional;
import java.util.function.BinaryOperator;

/** The {@code adapter} section: a fresh LoRA adapter, or the folder of one that is continued. */
public record AdapterSection(
    @Key(
            role = IDENTITY,
            usual = "null",
            meaning =
                "PEFT folder of an adapter to continue; its own settings hold, the other keys of"
                    + " the section must be absent.")
        Optional<String> path,
    @Key(role = IDENTITY, usual = "16", range = ">= 1", meaning = "Rank.") int r,
    @Key(
            role = IDENTITY,
            usual = "32",
            range = "> 0",
            meaning = "The product of the factors is scaled by lora_alpha / r.")
        double loraAlpha,
    @Key(
            role = IDENTITY,
            usual = "0.0",
            range = ">= 0 and < 1",
            supported = "0.0",
            meaning = "Dropout before the first factor.")
        double loraDropout,
    @Key(
            role = IDENTITY,
            usual = "[q_proj, v_proj]",
            meaning = "Linear layers, by the end of their names; or `all-linear`.")
        List<String> targetModules,
    @Key(
            role = IDENTITY,
            usual = "false",
            meaning = "Scale by lora_alpha / sqrt(r) instead (rsLoRA).")
        boolean useRslora) {

  public AdapterSection {
    targetModules = List.copyOf(targetModules);
  }

  AdapterSection located(BinaryOperator<String> absolute) {
    return new AdapterSection(
        path.map(location -> absolute.apply("adapter.path", location)),
        r,
        loraAlpha,
        loraDropout,
        targetModules,
        useRslora);
  }

  /** The same adapter, continued from a folder. */
  public AdapterSection continuedFrom(String folder) {
    return new AdapterSection(
        Optional.of(folder), r, loraAlpha, loraDropout, targetModules, useRslora);
  }
}
