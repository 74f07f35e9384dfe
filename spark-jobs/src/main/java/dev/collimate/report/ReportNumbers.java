package dev.collimate.report;

import java.util.Locale;

/** Numbers as people read them. */
final class ReportNumbers {

  private ReportNumbers() {}

  static String of(Object value) {
    if (value == null) {
      return "–";
    }
    if (value instanceof Long || value instanceof Integer) {
      return String.format(Locale.ROOT, "%,d", ((Number) value).longValue());
    }
    return value instanceof Number number ? real(number.doubleValue()) : value.toString();
  }

  /** Four significant digits; very small and very large numbers with an exponent. */
  static String real(double value) {
    double size = Math.abs(value);
    if (!Double.isFinite(value) || value == 0) {
      return value == 0 ? "0" : Double.toString(value);
    }
    if (size < 1e-3 || size >= 1e7) {
      return String.format(Locale.ROOT, "%.3e", value);
    }
    if (value == Math.rint(value)) {
      return String.format(Locale.ROOT, "%,d", (long) value);
    }
    int digits = Math.max(0, 3 - (int) Math.floor(Math.log10(size)));
    return String.format(Locale.ROOT, "%,." + digits + "f", value);
  }

  static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }

  /** {@code 1 h 02 min}, {@code 3 min 20 s} or {@code 4.5 s}. */
  static String duration(double seconds) {
    long whole = Math.round(seconds);
    if (whole >= 3600) {
      return String.format(Locale.ROOT, "%d h %02d min", whole / 3600, whole % 3600 / 60);
    }
    return whole >= 60
        ? String.format(Locale.ROOT, "%d min %02d s", whole / 60, whole % 60)
        : String.format(Locale.ROOT, "%.1f s", seconds);
  }

  static String bytes(long bytes) {
    if (bytes < 1 << 10) {
      return bytes + " B";
    }
    int unit = Math.min(4, (63 - Long.numberOfLeadingZeros(bytes)) / 10);
    double scaled = bytes / Math.pow(1 << 10, unit);
    return String.format(Locale.ROOT, "%.1f %ciB", scaled, "KMGT".charAt(unit - 1));
  }
}
