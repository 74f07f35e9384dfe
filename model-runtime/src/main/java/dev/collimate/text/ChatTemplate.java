package dev.collimate.text;

import dev.collimate.CollimateException;
import dev.collimate.text.jinja.Rendering;
import dev.collimate.text.jinja.Template;
import dev.collimate.text.jinja.TemplateException;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A chat template: turns a conversation into the text that the model sees, as transformers does.
 * May be used by several threads.
 */
public final class ChatTemplate {

  /**
   * What a rendering needs beside the messages.
   *
   * @param tools the tools' JSON schemas, or null
   * @param options further variables of the template ({@code chat_template_kwargs})
   * @param now what {@code strftime_now} shows
   */
  public record Context(List<?> tools, Map<String, ?> options, LocalDateTime now) {}

  /** What follows the messages. */
  public enum Ending {
    /** Nothing: the conversation is whole. */
    WHOLE,
    /** The start of an answer, for the model to go on ({@code add_generation_prompt}). */
    GENERATION_PROMPT
  }

  private final Template usual;
  private final Template withTools;
  private final Map<String, String> specialTokens;

  private ChatTemplate(Template usual, Template withTools, Map<String, String> specialTokens) {
    this.usual = usual;
    this.withTools = withTools;
    this.specialTokens = Map.copyOf(specialTokens);
  }

  /**
   * Parses a template.
   *
   * @param specialTokens texts by role ({@code eos_token}, ...), which templates find by that name
   * @throws CollimateException of kind DATA where it is no Jinja, or uses what is not supported
   */
  public static ChatTemplate parse(String source, Map<String, String> specialTokens) {
    Template template = parse(source, "the chat template");
    return new ChatTemplate(template, template, specialTokens);
  }

  /** The templates of a tokenizer: {@code default}, and perhaps one for tools. */
  static ChatTemplate parse(
      Map<String, String> sources, Map<String, String> specialTokens, String location) {
    String usual = sources.get("default");
    if (usual == null) {
      throw CollimateException.data(
          "the chat templates of %s are named %s; one named 'default' is expected"
              .formatted(location, sources.keySet()));
    }
    String name = "the chat template of " + location;
    Template template = parse(usual, name);
    return new ChatTemplate(
        template,
        sources.containsKey("tool_use") ? parse(sources.get("tool_use"), name) : template,
        specialTokens);
  }

  private static Template parse(String source, String name) {
    try {
      return Template.parse(source);
    } catch (TemplateException e) {
      throw new CollimateException(
          CollimateException.Kind.DATA, "%s: %s".formatted(name, e.getMessage()), e);
    }
  }

  /** Whether the template marks what the model is to write itself. */
  public boolean hasGenerationMarkers() {
    return usual.hasGenerationMarkers();
  }

  /**
   * Renders a conversation.
   *
   * @param messages maps of strings: role, content and what else the template reads
   * @throws TemplateException where the template raised an exception or failed on these messages
   */
  public Rendering render(List<?> messages, Ending ending, Context context) {
    Map<String, Object> variables = new HashMap<>(specialTokens);
    variables.put("messages", messages);
    variables.put("tools", context.tools());
    variables.put("documents", null);
    variables.put("add_generation_prompt", ending == Ending.GENERATION_PROMPT);
    variables.putAll(context.options());
    return (context.tools() == null ? usual : withTools).render(variables, context.now());
  }
}
