package dev.collimate.objective;

import dev.collimate.CollimateException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/** The table of objectives with those of the user's jars after the built ones. */
final class ProvidedObjectives {

  private ProvidedObjectives() {}

  /**
   * Adds what a class loader's jars provide.
   *
   * @throws CollimateException of kind USAGE where a provider cannot be loaded or its name is taken
   */
  static List<ObjectiveSpec> after(List<ObjectiveSpec> built, ClassLoader loader) {
    List<ObjectiveSpec> all = new ArrayList<>(built);
    Map<String, String> owners = new HashMap<>();
    built.forEach(spec -> owners.put(spec.name(), "Collimate"));
    try {
      for (ObjectiveProvider provider : ServiceLoader.load(ObjectiveProvider.class, loader)) {
        ObjectiveSpec spec = provider.spec();
        String name = provider.getClass().getName();
        String owner = owners.putIfAbsent(spec.name(), name);
        if (owner != null) {
          throw CollimateException.usage(
              "objective.name: '%s' of %s is taken by %s; give it another name"
                  .formatted(spec.name(), name, owner));
        }
        all.add(spec);
      }
    } catch (ServiceConfigurationError e) {
      throw new CollimateException(
          CollimateException.Kind.USAGE,
          "an objective of a jar given with --jars cannot be loaded: %s; see META-INF/services/%s there"
              .formatted(e.getMessage(), ObjectiveProvider.class.getName()),
          e);
    }
    return List.copyOf(all);
  }
}
