package dev.collimate.report;

import dev.collimate.config.RunConfig;
import dev.collimate.data.Accounting;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What stands on the page, as text ready for the template.
 *
 * @param title what ran
 * @param subtitle on which model
 * @param state of the run, lower case
 * @param failure empty where there is none
 * @param exact whether the result is bit for bit repeatable
 * @param figures the numbers at the top
 * @param evaluation held-out metrics before and after
 * @param samples prompts with both completions
 * @param sources rows read by source, a total last
 * @param reasons why rows were refused
 * @param notes what was done to rows that were kept
 * @param facts tables of names and values: model, training, versions, numerics
 * @param runFile the resolved run file, YAML
 * @param files of the run directory
 */
record ReportContent(
    String title,
    String subtitle,
    String state,
    String failure,
    boolean exact,
    List<Figure> figures,
    List<Comparison> evaluation,
    List<RunManifest.Sample> samples,
    List<SourceRow> sources,
    List<Share> reasons,
    List<Share> notes,
    List<Facts> facts,
    String runFile,
    List<FileRow> files) {

  private static final String EVAL = "eval_";

  /** A number at the top, with its change or explanation below. */
  record Figure(String label, String value, String detail) {}

  /** A held-out metric before and after training. */
  record Comparison(String name, String before, String after, String change) {}

  /** Rows of a source. */
  record SourceRow(
      String name,
      boolean total,
      String read,
      String train,
      String eval,
      String quarantined,
      String filtered,
      String deduplicated) {}

  /** A count with its share of all rows, in percent for the bar. */
  record Share(String name, String count, String percent) {}

  /** A table of names and values. */
  record Facts(String title, List<Fact> rows) {}

  /** A line of a table. */
  record Fact(String name, String value) {}

  /** A file of the run directory. */
  record FileRow(String name, String size, String checksum) {}

  boolean hasFailure() {
    return !failure.isEmpty();
  }

  boolean hasEvaluation() {
    return !evaluation.isEmpty();
  }

  boolean hasSamples() {
    return !samples.isEmpty();
  }

  boolean hasSources() {
    return !sources.isEmpty();
  }

  boolean hasReasons() {
    return !reasons.isEmpty();
  }

  boolean hasNotes() {
    return !notes.isEmpty();
  }

  boolean hasFiles() {
    return !files.isEmpty();
  }

  static ReportContent of(RunManifest manifest, List<Map<String, Object>> metrics) {
    Map<String, Object> run = manifest.runFile();
    long made = manifest.accounting().made();
    List<Facts> facts = new ArrayList<>();
    addFacts(facts, "Model", manifest.model());
    addFacts(facts, "Training", manifest.training());
    addFacts(facts, "Versions", new TreeMap<>(manifest.versions()));
    addFacts(facts, "Numerics of the workers", new TreeMap<>(manifest.numerics()));
    return new ReportContent(
        objective(run) + (run.get("adapter") == null ? "" : " with an adapter"),
        String.valueOf(run.get("model")),
        manifest.state().name().toLowerCase(Locale.ROOT),
        manifest.failure().sentence(),
        manifest.exact(),
        ReportFigures.of(manifest, metrics),
        evaluation(manifest.evaluation()),
        manifest.samples(),
        sources(manifest.accounting()),
        shares(manifest.accounting().quarantined(), made),
        shares(notes(manifest.accounting()), made),
        facts,
        RunConfig.yaml(run),
        manifest.files().stream()
            .map(f -> new FileRow(f.name(), ReportNumbers.bytes(f.bytes()), f.sha256()))
            .toList());
  }

  private static String objective(Map<String, Object> run) {
    return run.get("objective") instanceof Map<?, ?> section && section.get("name") != null
        ? section.get("name").toString().toUpperCase(Locale.ROOT)
        : "Run";
  }

  private static void addFacts(List<Facts> facts, String title, Map<String, ?> values) {
    if (!values.isEmpty()) {
      List<Fact> rows = new ArrayList<>();
      values.forEach((name, value) -> rows.add(new Fact(name, ReportNumbers.of(value))));
      facts.add(new Facts(title, rows));
    }
  }

  private static List<Comparison> evaluation(Map<String, Map<String, Object>> evaluation) {
    Map<String, Object> before = evaluation.getOrDefault(RunManifest.BEFORE, Map.of());
    Map<String, Object> after = evaluation.getOrDefault(RunManifest.AFTER, Map.of());
    TreeSet<String> names = new TreeSet<>(before.keySet());
    names.addAll(after.keySet());
    List<Comparison> rows = new ArrayList<>();
    for (String name : names) {
      Object first = before.get(name);
      Object last = after.get(name);
      rows.add(
          new Comparison(
              name.startsWith(EVAL) ? name.substring(EVAL.length()) : name,
              ReportNumbers.of(first),
              ReportNumbers.of(last),
              first instanceof Number a && last instanceof Number b
                  ? signed(b.doubleValue() - a.doubleValue())
                  : ""));
    }
    return rows;
  }

  private static String signed(double change) {
    return (change > 0 ? "+" : "") + ReportNumbers.real(change);
  }

  private static List<SourceRow> sources(Accounting accounting) {
    List<SourceRow> rows = new ArrayList<>();
    for (Accounting.Source source : accounting.sources()) {
      rows.add(row(source, /* total= */ false));
    }
    if (rows.size() > 1) {
      rows.add(row(total(accounting), /* total= */ true));
    }
    return rows;
  }

  private static Accounting.Source total(Accounting accounting) {
    List<Accounting.Source> all = accounting.sources();
    return new Accounting.Source(
        "all",
        accounting.read(),
        all.stream().mapToLong(Accounting.Source::unpaired).sum(),
        all.stream().mapToLong(Accounting.Source::train).sum(),
        all.stream().mapToLong(Accounting.Source::eval).sum(),
        new TreeMap<>(accounting.quarantined()),
        all.stream().mapToLong(Accounting.Source::filtered).sum(),
        all.stream().mapToLong(Accounting.Source::deduplicated).sum(),
        notes(accounting));
  }

  private static SourceRow row(Accounting.Source source, boolean total) {
    return new SourceRow(
        source.name(),
        total,
        source.unpaired() == 0
            ? ReportNumbers.of(source.read())
            : "%s, %s after un-pairing"
                .formatted(ReportNumbers.of(source.read()), ReportNumbers.of(source.made())),
        ReportNumbers.of(source.train()),
        ReportNumbers.of(source.eval()),
        ReportNumbers.of(source.refused()),
        ReportNumbers.of(source.filtered()),
        ReportNumbers.of(source.deduplicated()));
  }

  private static TreeMap<String, Long> notes(Accounting accounting) {
    TreeMap<String, Long> notes = new TreeMap<>();
    accounting
        .sources()
        .forEach(source -> source.notes().forEach((name, n) -> notes.merge(name, n, Long::sum)));
    return notes;
  }

  private static List<Share> shares(Map<String, Long> counts, long all) {
    return counts.entrySet().stream()
        .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
        .map(
            entry ->
                new Share(
                    entry.getKey(),
                    ReportNumbers.of(entry.getValue()),
                    String.format(
                        Locale.ROOT, "%.2f", 100.0 * entry.getValue() / Math.max(1, all))))
        .toList();
  }
}
