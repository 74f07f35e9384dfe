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
import java.util.stream.Stream;

/**
 * The numerics fingerprint: everything that is known to change the bits of a computation, and the
 * hash of one. Workers with equal fingerprints give equal bits.
 *
 * <p>On a GPU it is no promise: libtorch adds up some gradients in the order in which threads
 * finish, so equal fingerprints then say that the arithmetic is the same but for the last bits.
 *
 * @param facts by name, sorted: libtorch, jni, environment, threads, device; on a CPU also cpu,
 *     cpu_flags, aten_capability, probe_float32, probe_bfloat16
 */
public record Numerics(SortedMap<String, String> facts) {

  static final List<String> PREFIXES =
      List.of("MKL_", "OMP_", "ATEN_", "KMP_", "GOMP_", "DNNL_", "ONEDNN_");

  /** On a GPU also these, of CUDA's libraries and of libtorch's use of TF32. */
  private static final List<String> GPU_PREFIXES =
      List.of("CUBLAS", "CUDNN_", "NVIDIA_TF32", "TORCH_ALLOW_TF32");

  private static final String DEVICE = "device";
  private static final String GPU = "gpu";
  private static final String ABSENT = "nothing";

  public Numerics {
    facts = Collections.unmodifiableSortedMap(new TreeMap<>(facts));
  }

  /** Takes the fingerprint of this JVM; {@link Engine#start} must have been called. */
  public static Numerics take() {
    Engine engine = Engine.current();
    SortedMap<String, String> facts = new TreeMap<>();
    facts.put("libtorch", engine.libtorchVersion());
    facts.put("jni", engine.jniVersion());
    facts.put("threads", Integer.toString(engine.threads()));
    if (engine.device().isGpu()) {
      // Which of a machine's GPUs it is makes no difference.
      facts.put(DEVICE, engine.card().map(card -> GPU + " " + card.name()).orElse(GPU));
      facts.put("environment", environment(System.getenv(), concat(PREFIXES, GPU_PREFIXES)));
      return new Numerics(facts);
    }
    Map<String, String> cpu = cpuInfo();
    facts.put("cpu", cpuModel(cpu));
    facts.put("cpu_flags", vectorFlags(cpu));
    facts.put("aten_capability", engine.cpuCapability());
    facts.put("environment", environment(System.getenv(), PREFIXES));
    facts.put(DEVICE, engine.device().label());
    facts.put("probe_float32", NumericsProbe.hash(engine, Precision.FLOAT32));
    facts.put("probe_bfloat16", NumericsProbe.hash(engine, Precision.BFLOAT16));
    return new Numerics(facts);
  }

  /**
   * Whether equal fingerprints promise equal bits: not on a GPU.
   *
   * @param facts of a fingerprint
   */
  public static boolean isExact(Map<String, String> facts) {
    return !facts.getOrDefault(DEVICE, "").startsWith(GPU);
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
  static String environment(Map<String, String> environment, List<String> prefixes) {
    return new TreeMap<>(environment)
        .entrySet().stream()
            .filter(entry -> prefixes.stream().anyMatch(entry.getKey()::startsWith))
            .map(entry -> entry.getKey() + "=" + entry.getValue())
            .collect(Collectors.joining(" "));
  }

  private static List<String> concat(List<String> some, List<String> more) {
    return Stream.concat(some.stream(), more.stream()).toList();
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
