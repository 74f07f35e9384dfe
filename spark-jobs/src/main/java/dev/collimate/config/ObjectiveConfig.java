package dev.collimate.config;

import static dev.collimate.config.Key.Role.IDENTITY;

import dev.collimate.nn.Quantity;
import dev.collimate.objective.Declaration;
import dev.collimate.objective.Objectives;
import dev.collimate.objective.Online;
import dev.collimate.objective.Options;
import dev.collimate.objective.ReferenceUse;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The {@code objective} section.
 *
 * @param options every option of the objective by its key, defaults included: Boolean, Double,
 *     String, or a List of String or of Double
 */
public record ObjectiveConfig(
    @Key(role = IDENTITY, meaning = "What is optimised.") String name,
    Map<String, Object> options) {

  public ObjectiveConfig {
    options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
  }

  public boolean flag(String option) {
    Object value = options.get(option);
    if (value == null) {
      throw new IllegalArgumentException("objective " + name + " has no option '" + option + "'");
    }
    return (Boolean) value;
  }

  /** Completions of every prompt, of an online objective. */
  public int numGenerations() {
    return online().map(objective -> objective.needs().generations()).orElse(1);
  }

  /** Whether the objective learns values of tokens. */
  public boolean learnsValues() {
    return declaration().stream().anyMatch(each -> each.learned().contains(Quantity.VALUE));
  }

  /** The objective where it learns from completions. */
  Optional<Online> online() {
    return Objectives.find(name)
        .map(spec -> spec.create().apply(new Options(options)))
        .filter(Online.class::isInstance)
        .map(Online.class::cast);
  }

  /** What the objective needs with these options; empty where there is none of the name. */
  Optional<Declaration> declaration() {
    return Objectives.find(name).map(spec -> spec.declaration(options));
  }

  /** What the objective, with these options, reads of the reference model. */
  ReferenceUse reference() {
    return declaration().map(Declaration::reference).orElse(ReferenceUse.NONE);
  }

  /** Name and options as they would be written; null where an option has no effect. */
  Map<String, Object> resolved() {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("name", name);
    values.putAll(options);
    Options all = new Options(options);
    Objectives.find(name).stream()
        .flatMap(spec -> spec.options().stream())
        .filter(option -> !option.hasEffect(all))
        .forEach(option -> values.put(option.name(), null));
    return values;
  }
}
