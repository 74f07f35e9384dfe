package dev.collimate.nn;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A GPU of this machine, as NVIDIA's driver names it. Which number a GPU has depends on the process
 * and its container; its UUID does not.
 *
 * @param number among all GPUs that the driver shows, in the order of their bus addresses
 * @param uuid {@code GPU-...}
 * @param memoryMib all of its memory, in MiB
 */
public record GpuCard(int number, String uuid, String name, long memoryMib) {

  private static final List<String> QUERY =
      List.of(
          "nvidia-smi",
          "--query-gpu=index,uuid,name,memory.total",
          "--format=csv,noheader,nounits");
  private static final int WAIT_SECONDS = 30;
  private static final String VISIBLE = "CUDA_VISIBLE_DEVICES";

  /** The card behind a GPU of this process; empty where the driver's tool does not tell. */
  public static Optional<GpuCard> of(ComputeDevice device) {
    return device.kind() == ComputeDevice.Kind.CPU
        ? Optional.empty()
        : ofIndex(device.index(), parse(ask()), System.getenv());
  }

  /**
   * The card that this process knows by an index.
   *
   * @param environment whose CUDA_VISIBLE_DEVICES, where set, lists numbers or beginnings of UUIDs
   */
  static Optional<GpuCard> ofIndex(
      int index, List<GpuCard> cards, Map<String, String> environment) {
    String visible = environment.getOrDefault(VISIBLE, "").strip();
    if (visible.isEmpty()) {
      return cards.stream().filter(card -> card.number() == index).findFirst();
    }
    String[] entries = visible.split(",", -1);
    if (index >= entries.length) {
      return Optional.empty();
    }
    String entry = entries[index].strip();
    return cards.stream()
        .filter(
            card -> entry.equals(Integer.toString(card.number())) || card.uuid().startsWith(entry))
        .findFirst();
  }

  /** Reads the tool's lines; what is no line of a card is passed over. */
  static List<GpuCard> parse(String csv) {
    List<GpuCard> cards = new ArrayList<>();
    for (String line : csv.lines().toList()) {
      String[] fields = line.split(",", -1);
      if (fields.length == 4 && fields[0].strip().matches("\\d+")) {
        String memory = fields[3].strip();
        cards.add(
            new GpuCard(
                Integer.parseInt(fields[0].strip()),
                fields[1].strip(),
                fields[2].strip(),
                memory.matches("\\d+") ? Long.parseLong(memory) : 0));
      }
    }
    return cards;
  }

  /** What the tool prints; nothing where there is none. */
  private static String ask() {
    try {
      Process process =
          new ProcessBuilder(QUERY).redirectError(ProcessBuilder.Redirect.DISCARD).start();
      process.getOutputStream().close();
      String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(WAIT_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return "";
      }
      return printed;
    } catch (IOException e) {
      return "";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "";
    }
  }
}
