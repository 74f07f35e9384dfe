package dev.collimate.reference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.collimate.data.Digest128;
import dev.collimate.objective.ReferenceUse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StorePartTest {

  private static final List<String> ROLES = List.of("chosen", "rejected");
  private static final StoredRow ROW =
      row("a", -3.5, new float[] {-1.25f, -2.25f}, -0.1, new float[] {-0.1f});

  /** A completion may count nothing, and one list follows the other without a gap. */
  private static final StoredRow EMPTY = row("b", 0, new float[0], -1e-40, new float[] {-1e-40f});

  private final Configuration configuration = new Configuration();
  @TempDir private Path folder;

  @Test
  void sumsAndTokensComeBackBitForBit() throws IOException {
    List<StoredRow> rows = List.of(ROW, EMPTY, ROW);
    StorePart.write(part(), ROLES, ReferenceUse.TOKENS, rows, configuration);

    List<StoredRow> read = StorePart.read(part(), ReferenceUse.TOKENS, configuration);

    assertThat(read).usingRecursiveComparison().isEqualTo(rows);
  }

  @Test
  void tokensAreReadOnlyWhereTheyAreUsed() throws IOException {
    StorePart.write(part(), ROLES, ReferenceUse.TOKENS, List.of(ROW, EMPTY), configuration);

    List<StoredRow> read = StorePart.read(part(), ReferenceUse.SUMS, configuration);

    assertThat(read)
        .usingRecursiveComparison()
        .isEqualTo(List.of(withoutTokens(ROW), withoutTokens(EMPTY)));
  }

  @Test
  void tokensAreWrittenOnlyWhereTheyAreUsed() throws IOException {
    StorePart.write(part(), ROLES, ReferenceUse.SUMS, List.of(ROW, EMPTY), configuration);

    List<StoredRow> read = StorePart.read(part(), ReferenceUse.TOKENS, configuration);

    assertThat(read)
        .usingRecursiveComparison()
        .isEqualTo(List.of(withoutTokens(ROW), withoutTokens(EMPTY)));
  }

  @Test
  void aPartWithADamagedTokenIsLeftOut() throws IOException {
    ReferenceStore store = store();
    store.add(ROLES, ReferenceUse.TOKENS, List.of(ROW), configuration);
    store.add(ROLES, ReferenceUse.TOKENS, manyTokens(), configuration);
    damageTheMiddle(largestPart());

    List<StoredRow> read = new ArrayList<>();
    store.read(ReferenceUse.TOKENS, configuration, read::add);

    assertThat(read).usingRecursiveComparison().isEqualTo(List.of(ROW));
  }

  @Test
  void aDamagedTokenDoesNotConcernARunThatReadsSums() throws IOException {
    ReferenceStore store = store();
    List<StoredRow> rows = manyTokens();
    store.add(ROLES, ReferenceUse.TOKENS, rows, configuration);
    damageTheMiddle(largestPart());

    List<StoredRow> read = new ArrayList<>();
    store.read(ReferenceUse.SUMS, configuration, read::add);

    assertThat(read)
        .usingRecursiveComparison()
        .isEqualTo(rows.stream().map(StorePartTest::withoutTokens).toList());
  }

  /** Nearly all of their file is the tokens' values. */
  private static List<StoredRow> manyTokens() {
    Random random = new Random(1);
    List<StoredRow> rows = new ArrayList<>();
    for (int n = 0; n < 4; n++) {
      float[] chosen = new float[2000];
      float[] rejected = new float[2000];
      for (int t = 0; t < chosen.length; t++) {
        chosen[t] = -random.nextFloat();
        rejected[t] = -random.nextFloat();
      }
      rows.add(row("many-" + n, -n, chosen, -2 * n, rejected));
    }
    return rows;
  }

  private static StoredRow row(
      String key, double chosen, float[] chosenTokens, double rejected, float[] rejectedTokens) {
    return new StoredRow(
        key,
        Digest128.of(key),
        Map.of("chosen", chosen, "rejected", rejected),
        Map.of("chosen", chosenTokens, "rejected", rejectedTokens));
  }

  private static StoredRow withoutTokens(StoredRow row) {
    return new StoredRow(row.key(), row.content(), row.sums(), Map.of());
  }

  private ReferenceStore store() throws IOException {
    return ReferenceStore.open(
        new org.apache.hadoop.fs.Path(folder.resolve("store").toString()),
        new TreeMap<>(Map.of("model", "m")),
        configuration);
  }

  private Path largestPart() throws IOException {
    try (Stream<Path> files = Files.walk(folder.resolve("store"))) {
      return files
          .filter(file -> file.toString().endsWith(".parquet"))
          .max((a, b) -> Long.compare(a.toFile().length(), b.toFile().length()))
          .orElseThrow();
    }
  }

  private static void damageTheMiddle(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
    // Hadoop's local file system would find the damage before Parquet does.
    Files.deleteIfExists(file.resolveSibling("." + file.getFileName() + ".crc"));
  }

  private org.apache.hadoop.fs.Path part() {
    return new org.apache.hadoop.fs.Path(folder.resolve("part-1.parquet").toString());
  }
}
