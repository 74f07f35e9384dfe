package dev.collimate.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.commons.text.similarity.LevenshteinDistance;

/** The spelling of keys and values. */
final class Names {

  private Names() {}

  /** {@code maxSteps} to {@code max_steps}. */
  static String key(String component) {
    return component.replaceAll("([a-z0-9])([A-Z])", "$1_$2").toLowerCase(Locale.ROOT);
  }

  static String of(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  static String join(String section, String key) {
    return section.isEmpty() ? key : section + "." + key;
  }

  static String last(String path) {
    return path.substring(path.lastIndexOf('.') + 1);
  }

  /** {@code a, b or c}. */
  static String either(List<String> names) {
    int last = names.size() - 1;
    return last < 1
        ? String.join("", names)
        : String.join(", ", names.subList(0, last)) + " or " + names.get(last);
  }

  /** The candidate that a slip of the pen, or an abbreviation, is most likely to have meant. */
  static Optional<String> nearest(String given, Collection<String> candidates) {
    LevenshteinDistance distance = LevenshteinDistance.getDefaultInstance();
    return candidates.stream()
        .filter(
            candidate ->
                distance.apply(given, candidate) <= Math.max(2, given.length() / 3)
                    || (given.length() > 2 && candidate.startsWith(given)))
        .min(Comparator.comparingInt(candidate -> distance.apply(given, candidate)));
  }
}
