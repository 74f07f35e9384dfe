package dev.collimate.nn;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The numerics fingerprint: everything that is known to change the bits of a computation, and the
 * hash of one. Workers with equal fingerprints give equal bits.
 *
 * @param facts by name, sorted: libtorch, jni, cpu, cpu_flags, aten_capability, environment,
 *     threads, device, probe_float32, probe_bfloat16
 */
public record Numerics(SortedMap<String, String> facts) {

  private static final List<String> PREFIXES =
      List.of("MKL_", "OMP_", "ATEN_", "KMP_", "GOMP_", "DNNL_", "ONEDNN_");
  private static final String ABSENT = "nothing";

  public Numerics {
    facts = Collections.unmodifiableSortedMap(new TreeMap<>(facts));
  }

  /** Takes the fingerprint of this JVM; {@link Engine#start} must have been called. */
  public static Numerics take() {
    Engine engine = Engine.current();
    Map<String, String> cpu = cpuInfo();
    SortedMap<String, String> facts = new TreeMap<>();
    facts.put("libtorch", engine.libtorchVersion());
    facts.put("jni", engine.jniVersion());
    facts.put("cpu", cpuModel(cpu));
    facts.put("cpu_flags", vectorFlags(cpu));
    facts.put("aten_capability", engine.cpuCapability());
    facts.put("environment", environment(System.getenv()));
    facts.put("threads", Integer.toString(engine.threads()));
    facts.put("device", engine.device().label());
    facts.put("probe_float32", NumericsProbe.hash(engine, Precision.FLOAT32));
    facts.put("probe_bfloat16", NumericsProbe.hash(engine, Precision.BFLOAT16));
    return new Numerics(facts);
  }

  /** One hash (hexadecimal SHA-256) of all facts. */
  public String hash() {
    String text =
        facts.entrySet().stream()
            .map(fact -> fact.getKey() + "=" + fact.getValue() + "\n")
            .collect(Collectors.joining());
    return HexFormat.of().formatHex(sha256().digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** What differs, one readable entry per fact; empty where the bits will be equal. */
  public List<String> differences(Numerics other) {
    SortedSet<String> names = new TreeSet<>(facts.keySet());
    names.addAll(other.facts.keySet());
    List<String> differences = new ArrayList<>();
    for (String name : names) {
      String mine = facts.getOrDefault(name, ABSENT);
      String theirs = other.facts.getOrDefault(name, ABSENT);
      if (!mine.equals(theirs)) {
        differences.add("%s: '%s' here, '%s' there".formatted(name, mine, theirs));
      }
    }
    return differences;
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The variables that steer the arithmetic libraries, {@code A=1 B=2}. */
  static String environment(Map<String, String> environment) {
    return new TreeMap<>(environment)
        .entrySet().stream()
            .filter(entry -> PREFIXES.stream().anyMatch(entry.getKey()::startsWith))
            .map(entry -> entry.getKey() + "=" + entry.getValue())
            .collect(Collectors.joining(" "));
  }

  private static String cpuModel(Map<String, String> cpu) {
    return "%s %s/%s/%s %s"
        .formatted(
            cpu.getOrDefault("vendor_id", System.getProperty("os.arch")),
            cpu.getOrDefault("cpu family", "?"),
            cpu.getOrDefault("model", "?"),
            cpu.getOrDefault("stepping", "?"),
            cpu.getOrDefault("model name", "?"));
  }

  /** The instruction sets by which the libraries choose their kernels. */
  private static String vectorFlags(Map<String, String> cpu) {
    return new TreeSet<>(List.of(cpu.getOrDefault("flags", "").split(" ")))
        .stream()
            .filter(flag -> flag.matches("avx.*|amx.*|fma.*|f16c"))
            .collect(Collectors.joining(" "));
  }

  /** The first processor's entries of /proc/cpuinfo; empty where there is none. */
  private static Map<String, String> cpuInfo() {
    Path file = Path.of("/proc/cpuinfo");
    if (!Files.isReadable(file)) {
      return Map.of();
    }
    Map<String, String> entries = new TreeMap<>();
    try {
      for (String line : Files.readAllLines(file)) {
        int colon = line.indexOf(':');
        if (colon < 0) {
          break;
        }
        entries.put(line.substring(0, colon).strip(), line.substring(colon + 1).strip());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return entries;
  }
}
