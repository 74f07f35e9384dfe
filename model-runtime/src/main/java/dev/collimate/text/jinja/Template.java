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
    return new Template(TemplateParser.parse(source), Lexer.hasTag(source, "generation"));
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
    Map<String, Object> globals = Globals.of(run);
    variables.forEach((name, value) -> globals.put(name, Values.of(value)));
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
