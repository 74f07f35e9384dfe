package dev.collimate.nn;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.AdapterFolder;
import dev.collimate.checkpoint.AdapterInit;
import dev.collimate.checkpoint.AdapterLayout;
import dev.collimate.checkpoint.DecoderLayout;
import dev.collimate.parameters.FlatVector;
import java.util.List;

/**
 * An adapter before it is in native memory.
 *
 * @param layout its factors
 * @param values in the order of the layout's parameters
 * @param scale what the low-rank terms are multiplied with
 */
record AdapterWeights(AdapterLayout layout, FlatVector values, double scale) {

  static AdapterWeights of(AdapterSource source, DecoderLayout model) {
    if (source instanceof AdapterSource.Fresh fresh) {
      AdapterLayout layout = AdapterLayout.of(fresh.config(), model);
      if (adaptsHead(layout)) {
        throw CollimateException.usage(
            "target_modules: an adapter on lm_head is not supported yet, name linear modules of the layers");
      }
      FlatVector values = AdapterInit.values(layout, fresh.seed());
      return new AdapterWeights(layout, values, fresh.config().scale());
    } else if (source instanceof AdapterSource.Continued continued) {
      AdapterFolder folder = continued.folder();
      AdapterLayout layout = folder.layout(model);
      if (adaptsHead(layout)) {
        throw CollimateException.data(
            "The adapter in %s adapts lm_head, which is not supported yet; only linear modules of the layers are"
                .formatted(folder.folder().location()));
      }
      return new AdapterWeights(layout, folder.values(layout), folder.config().scale());
    }
    return new AdapterWeights(new AdapterLayout(List.of()), new FlatVector(0), 0);
  }

  private static boolean adaptsHead(AdapterLayout layout) {
    return layout.targets().stream().anyMatch(target -> target.linear().module().equals("lm_head"));
  }
}
