package dev.collimate.config;

import dev.collimate.CollimateException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What is wrong with a run file, gathered so that all of it is told at once. */
final class Problems {

  private final List<String> lines = new ArrayList<>();
  private final Set<String> keys = new HashSet<>();

  /** {@code key: rule (place)remedy}. */
  void add(String key, String rule, String place, String remedy) {
    keys.add(key);
    lines.add(key + ": " + rule + " (" + place + ")" + remedy);
  }

  void add(String key, String rule, String place) {
    add(key, rule, place, "");
  }

  /** A problem that belongs to no key, such as broken YAML. */
  void add(String sentence) {
    lines.add(sentence);
  }

  int count() {
    return lines.size();
  }

  /** Whether none of the keys has a problem yet, so that rules over several keys make sense. */
  boolean free(String... checked) {
    return List.of(checked).stream().noneMatch(keys::contains);
  }

  void throwIfAny() {
    if (!lines.isEmpty()) {
      throw CollimateException.usage(String.join("\n", lines));
    }
  }
}
