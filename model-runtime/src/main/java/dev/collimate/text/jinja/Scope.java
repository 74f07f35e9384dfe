package dev.collimate.text.jinja;

import java.util.HashMap;
import java.util.Map;

/**
 * The variables of a template, macro or loop round; what is not found here is looked for outside.
 */
final class Scope {

  private final Run run;
  private final Scope outer;
  private final Map<String, Object> variables;

  private Scope(Run run, Scope outer, Map<String, Object> variables) {
    this.run = run;
    this.outer = outer;
    this.variables = variables;
  }

  static Scope root(Run run, Map<String, Object> variables) {
    return new Scope(run, null, variables);
  }

  Scope inner() {
    return new Scope(run, this, new HashMap<>());
  }

  Run run() {
    return run;
  }

  Object get(String name) {
    for (Scope scope = this; scope != null; scope = scope.outer) {
      Object value = scope.variables.get(name);
      if (value != null || scope.variables.containsKey(name)) {
        return value;
      }
    }
    return new Undefined("'" + name + "' is undefined");
  }

  void set(String name, Object value) {
    variables.put(name, value);
  }
}
