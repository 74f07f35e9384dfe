package dev.collimate.config;

import static dev.collimate.config.Key.Role.IDENTITY;
import static dev.collimate.config.Key.Role.OPERATIONAL;

import dev.collimate.text.PreparerConfig.BoundaryMerge;
import dev.collimate.text.PreparerConfig.TruncationMode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BinaryOperator;
import java.util.stream.IntStream;

/** The {@code data} section: which rows, and how they become token sequences. */
public record DataConfig(
    @Key(role = IDENTITY, meaning = "Sources of training rows, read in this order.")
        List<Source> train,
    @Key(role = IDENTITY, usual = "[]", meaning = "Sources of held-out rows.") List<Source> eval,
    @Key(
            role = IDENTITY,
            usual = "0.0",
            range = ">= 0 and < 1",
            meaning = "Part of the training rows that is held out instead of `eval`.")
        double evalFraction,
    @Key(
            role = IDENTITY,
            usual = "1024",
            range = ">= 2",
            meaning =
                "Most tokens of prompt and completion together, for each side of a pair; `null`: no"
                    + " limit.")
        OptionalInt maxLength,
    @Key(
            role = IDENTITY,
            usual = "keep_start",
            meaning =
                "Which end of a sequence that is too long stays; `keep_end` cuts the prompt first,"
                    + " then the completion's start.")
        TruncationMode truncationMode,
    @Key(
            role = IDENTITY,
            usual = "null",
            range = ">= 1",
            meaning = "Most tokens of a prompt, whose end is kept; `null`: no limit of its own.")
        OptionalInt maxPromptLength,
    @Key(
            role = IDENTITY,
            usual = "true",
            meaning =
                "Order rows by hash of seed, epoch and key; `false`: train in the order of the"
                    + " input.")
        boolean shuffle,
    @Key(
            role = OPERATIONAL,
            usual = "0.01",
            range = ">= 0 and <= 1",
            meaning = "Largest part of a data set's rows that may go to quarantine.")
        double maxBadRows,
    @Key(
            role = IDENTITY,
            usual = "keep",
            meaning =
                "What becomes of a row in which the tokenizer joins the end of the prompt with the"
                    + " start of the completion: `keep` tokenizes the completion alone, `drop`"
                    + " filters the row, `fail` stops.")
        BoundaryMerge boundaryMerge) {

  public DataConfig {
    train = List.copyOf(train);
    eval = List.copyOf(eval);
  }

  DataConfig located(BinaryOperator<String> absolute) {
    return new DataConfig(
        located("data.train", train, absolute),
        located("data.eval", eval, absolute),
        evalFraction,
        maxLength,
        truncationMode,
        maxPromptLength,
        shuffle,
        maxBadRows,
        boundaryMerge);
  }

  /** The same of one file of JSON lines instead, nothing held out. */
  DataConfig of(String path) {
    Source source =
        new Source(Optional.of(path), Optional.empty(), Optional.of("json"), Map.of(), List.of());
    return new DataConfig(
        List.of(source),
        List.of(),
        /* evalFraction= */ 0,
        maxLength,
        truncationMode,
        maxPromptLength,
        shuffle,
        maxBadRows,
        boundaryMerge);
  }

  private static List<Source> located(
      String key, List<Source> sources, BinaryOperator<String> absolute) {
    return IntStream.range(0, sources.size())
        .mapToObj(i -> sources.get(i).located(key + "." + i + ".path", absolute))
        .toList();
  }
}
