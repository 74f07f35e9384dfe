package dev.collimate.config;

import static dev.collimate.config.Key.Role.IDENTITY;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BinaryOperator;

/** A table of rows, by path or by name. */
public record Source(
    @Key(role = IDENTITY, usual = "null", meaning = "File or folder; any Hadoop file system.")
        Optional<String> path,
    @Key(role = IDENTITY, usual = "null", meaning = "Instead of `path`: a table, `db.name`.")
        Optional<String> table,
    @Key(
            role = IDENTITY,
            usual = "null",
            meaning = "`json`, `parquet`, `orc`, `avro` or `csv`; `null`: by the file's ending.")
        Optional<String> format,
    @Key(role = IDENTITY, usual = "{}", meaning = "Options of Spark's reader.")
        Map<String, String> options,
    @Key(
            role = IDENTITY,
            usual = "[]",
            meaning = "Columns that order a table where `data.shuffle` is false.")
        List<String> orderBy) {

  public Source {
    options = Map.copyOf(options);
    orderBy = List.copyOf(orderBy);
  }

  Source located(String key, BinaryOperator<String> absolute) {
    return new Source(
        path.map(location -> absolute.apply(key, location)), table, format, options, orderBy);
  }
}
