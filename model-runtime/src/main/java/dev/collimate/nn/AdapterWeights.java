package dev.collimate.nn;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.AdapterFolder;
import dev.collimate.checkpoint.AdapterInit;
import dev.collimate.checkpoint.AdapterLayout;
import dev.collimate.checkpoint.DecoderLayout;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.parameters.FlatVector;

/**
 * An adapter before it is in native memory.
 *
 * @param layout its factors
 * @param values in the order of the layout's parameters
 * @param scale what the low-rank terms are multiplied with
 */
record AdapterWeights(AdapterLayout layout, FlatVector values, double scale) {

  static AdapterWeights of(AdapterSource source, ModelFolder model) {
    if (source instanceof AdapterSource.Fresh fresh) {
      AdapterLayout layout = AdapterLayout.of(fresh.config(), model.layout());
      if (adaptsHead(layout, model.layout())) {
        throw CollimateException.usage(
            "target_modules: an adapter on %s is not supported yet, name linear modules of the layers"
                .formatted(model.layout().head().module()));
      }
      FlatVector values = AdapterInit.values(layout, model, fresh.seed());
      return new AdapterWeights(layout, values, fresh.config().scale());
    } else if (source instanceof AdapterSource.Continued continued) {
      AdapterFolder folder = continued.folder();
      AdapterLayout layout = folder.layout(model.layout());
      if (adaptsHead(layout, model.layout())) {
        throw CollimateException.data(
            "The adapter in %s adapts %s, which is not supported yet; only linear modules of the layers are"
                .formatted(folder.folder().location(), model.layout().head().module()));
      }
      return new AdapterWeights(layout, folder.values(layout), folder.config().scale());
    }
    return new AdapterWeights(AdapterLayout.NONE, new FlatVector(0), 0);
  }

  private static boolean adaptsHead(AdapterLayout layout, DecoderLayout model) {
    return layout.targets().stream().anyMatch(target -> target.linear().equals(model.head()));
  }
}
