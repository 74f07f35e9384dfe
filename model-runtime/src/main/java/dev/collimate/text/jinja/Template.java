package dev.collimate.text.jinja;

import java.time.LocalDateTime;
import java.util.Map;

/**
 * A parsed template. Rendering changes nothing in it, so one template may serve several threads.
 *
 * <p>Three things differ from Jinja by intent: a text marked {@code safe} is plain text again after
 * any method or filter; {@code keys}, {@code values} and {@code items} of a dict are lists; and
 * what would have to print a memory address is an error.
 */
public final class Template {

  private final Statement.Block body;
  private final boolean hasGenerationMarkers;

  private Template(Statement.Block body, boolean hasGenerationMarkers) {
    this.body = body;
    this.hasGenerationMarkers = hasGenerationMarkers;
  }

  /**
   * Parses a template.
   *
   * @throws TemplateException where it is not one, with the line
   */
  public static Template parse(String source) {
    try {
      return new Template(TemplateParser.parse(source), Lexer.hasTag(source, "generation"));
    } catch (StackOverflowError e) {
      throw new TemplateException("the template is nested too deeply to be parsed");
    }
  }

  /** Whether {@code {% generation %}} stands somewhere in the template. */
  public boolean hasGenerationMarkers() {
    return hasGenerationMarkers;
  }

  /**
   * Renders the template.
   *
   * @param variables plain Java values by name; Java's null is None
   * @param now what {@code strftime_now} shows
   * @throws TemplateException where the template raised an exception or failed
   */
  public Rendering render(Map<String, ?> variables, LocalDateTime now) {
    Run run = new Run(now);
    try {
      Map<String, Object> globals = Globals.of(run);
      variables.forEach((name, value) -> globals.put(name, Values.of(value)));
      return render(run, globals);
    } catch (StackOverflowError e) {
      // The interpreter recurses as expressions and values are nested, which chains of operators
      // and lists in lists are without any bracket; nothing is kept of a rendering that failed.
      throw TemplateException.at(run.line(), "expressions or values are nested too deeply");
    }
  }

  private Rendering render(Run run, Map<String, Object> globals) {
    Output out = Output.rendering();
    try {
      body.execute(Scope.root(run, globals), out);
    } catch (TemplateException e) {
      throw e.isRaisedByTemplate() ? e : TemplateException.at(run.line(), e.getMessage());
    }
    return new Rendering(
        out.toString(), out.generated(), run.hasHiddenMarkers(), run.isTimeDependent());
  }
}
