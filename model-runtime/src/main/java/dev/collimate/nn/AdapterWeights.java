package dev.collimate.nn;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.AdapterConfig;
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
      return checked(layout, AdapterInit.values(layout, fresh.seed()), fresh.config());
    } else if (source instanceof AdapterSource.Continued continued) {
      AdapterLayout layout = continued.folder().layout(model);
      return checked(layout, continued.folder().values(layout), continued.folder().config());
    }
    return new AdapterWeights(new AdapterLayout(List.of()), new FlatVector(0), 0);
  }

  private static AdapterWeights checked(
      AdapterLayout layout, FlatVector values, AdapterConfig config) {
    for (AdapterLayout.Target target : layout.targets()) {
      if (target.linear().module().equals("lm_head")) {
        throw CollimateException.usage(
            "target_modules: an adapter on lm_head is not supported yet, name linear modules of the layers");
      }
    }
    return new AdapterWeights(layout, values, config.scale());
  }
}
