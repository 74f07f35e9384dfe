package dev.collimate.checkpoint;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.DecoderLayout.Linear;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Which linear maps an adapter adapts, by PEFT's rules for {@code target_modules}. */
public sealed interface TargetModules {

  /** PEFT's word for every linear map but the output head. */
  String ALL_LINEAR = "all-linear";

  /** Whether the linear map is adapted. */
  boolean matches(Linear linear, DecoderLayout layout);

  /** Names match a module's whole path or its end after a dot: {@code q_proj}. */
  record Names(List<String> names) implements TargetModules {
    public Names {
      names = List.copyOf(new TreeSet<>(names));
      if (names.isEmpty()) {
        throw CollimateException.usage(
            "target_modules is empty; names of linear modules, a regular expression or all-linear are accepted");
      }
    }

    @Override
    public boolean matches(Linear linear, DecoderLayout layout) {
      return names.stream().anyMatch(name -> matches(name, linear));
    }

    static boolean matches(String name, Linear linear) {
      return linear.module().equals(name) || linear.module().endsWith("." + name);
    }
  }

  /** The expression matches a module's whole path. */
  record Expression(String text) implements TargetModules {
    public Expression {
      try {
        Pattern.compile(text);
      } catch (PatternSyntaxException e) {
        throw new CollimateException(
            CollimateException.Kind.USAGE,
            "target_modules '%s' is not a regular expression: %s"
                .formatted(text, e.getDescription()),
            e);
      }
    }

    @Override
    public boolean matches(Linear linear, DecoderLayout layout) {
      return Pattern.matches(text, linear.module());
    }
  }

  /** Every linear map but the output head. */
  record AllLinear() implements TargetModules {
    @Override
    public boolean matches(Linear linear, DecoderLayout layout) {
      return !linear.equals(layout.head());
    }
  }

  /** One string: {@code all-linear}, or a regular expression over module paths. */
  static TargetModules of(String text) {
    return text.equals(ALL_LINEAR) ? new AllLinear() : new Expression(text);
  }

  /** Names of modules; the single name {@code all-linear} means what the string means. */
  static TargetModules of(List<String> names) {
    return names.equals(List.of(ALL_LINEAR)) ? new AllLinear() : new Names(names);
  }
}
