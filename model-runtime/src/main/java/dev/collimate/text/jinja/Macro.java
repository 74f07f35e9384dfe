package dev.collimate.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A macro, or the body of a call block, with the variables around its definition. */
final class Macro implements Callable, Attributes {

  /** A parameter with its default. */
  record Parameter(String name, Optional<Expression> preset) {}

  /**
   * What a macro accepts.
   *
   * @param usesRest whether the body names {@code varargs}: further positional arguments go there
   * @param usesKeywords whether the body names {@code kwargs}: further keyword arguments go there
   */
  record Signature(
      String name, List<Parameter> parameters, boolean usesRest, boolean usesKeywords) {}

  private final Signature signature;
  private final Statement.Block body;
  private final Scope scope;

  Macro(Signature signature, Statement.Block body, Scope scope) {
    this.signature = signature;
    this.body = body;
    this.scope = scope;
  }

  @Override
  public Object attribute(String name) {
    return name.equals("name") ? signature.name() : ABSENT;
  }

  @Override
  public Object call(Arguments arguments) {
    // Before the defaults, which may call macros too.
    scope.run().enter();
    Scope inner = scope.inner();
    Map<String, Object> keywords = new LinkedHashMap<>(arguments.keywords());
    List<Parameter> parameters = signature.parameters();
    int given = arguments.positional().size();
    for (int i = 0; i < parameters.size(); i++) {
      String name = parameters.get(i).name();
      if (i < given) {
        inner.set(name, arguments.positional().get(i));
      } else if (keywords.containsKey(name)) {
        inner.set(name, keywords.remove(name));
      } else {
        // Defaults may look at the parameters before them.
        Optional<Expression> preset = parameters.get(i).preset();
        inner.set(
            name,
            preset.isPresent()
                ? preset.get().evaluate(inner)
                : new Undefined("parameter '%s' was not provided".formatted(name)));
      }
    }
    if (keywords.containsKey("caller")) {
      inner.set("caller", keywords.remove("caller"));
    }
    rest(arguments, keywords, inner);
    String text = body.text(inner);
    scope.run().leave();
    return text;
  }

  private void rest(Arguments arguments, Map<String, Object> keywords, Scope inner) {
    int accepted = Math.min(arguments.positional().size(), signature.parameters().size());
    List<Object> rest =
        new ArrayList<>(arguments.positional().subList(accepted, arguments.positional().size()));
    if (signature.usesRest()) {
      inner.set("varargs", new Tuple(rest));
    } else if (!rest.isEmpty()) {
      throw new TemplateException(
          "macro '%s' takes not more than %d argument(s)"
              .formatted(signature.name(), signature.parameters().size()));
    }
    if (signature.usesKeywords()) {
      inner.set("kwargs", keywords);
    } else if (!keywords.isEmpty()) {
      throw new TemplateException(
          "macro '%s' takes no keyword argument '%s'"
              .formatted(signature.name(), keywords.keySet().iterator().next()));
    }
  }
}
