package dev.collimate.executor;

import dev.collimate.CollimateException;
import dev.collimate.checkpoint.AdapterFolder;
import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.files.Folder;
import dev.collimate.nn.AdapterSource;
import dev.collimate.nn.Decoder;
import dev.collimate.nn.DecoderOptions;
import dev.collimate.nn.DecoderOptions.Recomputation;
import dev.collimate.nn.DecoderOptions.Trained;
import dev.collimate.nn.Engine;
import dev.collimate.nn.Numerics;
import dev.collimate.storage.HadoopFolder;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;

/**
 * Holds the frozen model of this JVM. Native memory and libtorch's threads belong to the process,
 * so tasks that share it take turns; the model stays for the next task until another one is asked
 * for or the slot is cleared.
 */
public final class ModelSlot {

  private static ModelSpec held;
  private static Decoder decoder;
  private static Numerics numerics;

  private ModelSlot() {}

  /**
   * Computes with a model, which is loaded where the JVM does not hold it yet.
   *
   * @param work must not keep the decoder
   * @throws CollimateException (data) where the folders hold other files than the driver saw
   */
  public static synchronized <T> T with(
      ModelSpec spec, Configuration configuration, Function<Decoder, T> work) {
    Engine.start(spec.threads(), AssignedDevice.of(spec.device()));
    if (!spec.equals(held)) {
      clear();
      decoder = load(spec, configuration);
      held = spec;
    }
    return work.apply(decoder);
  }

  /** The numerics fingerprint of this JVM, whose engine must have been started; taken once. */
  static synchronized Numerics numerics() {
    if (numerics == null) {
      numerics = Numerics.take();
    }
    return numerics;
  }

  /** Frees the model, before something else of its size is loaded. */
  public static synchronized void clear() {
    if (decoder != null) {
      decoder.close();
      decoder = null;
      held = null;
    }
  }

  /**
   * A frozen model beside the one that is held, after {@link Engine#start}; the caller closes it.
   *
   * @throws CollimateException (data) where the folders hold other files than the driver saw
   */
  public static Decoder load(ModelSpec spec, Configuration configuration) {
    DecoderOptions options =
        new DecoderOptions(spec.precision(), Recomputation.NONE, Trained.NONE, spec.sharing())
            .withTemperature(spec.temperature());
    Folder base = HadoopFolder.open("model", spec.model(), configuration);
    if (spec.adapterFolder().isEmpty()) {
      try (ModelFolder model = ModelFolder.open(base)) {
        requireSame("model", spec.model(), spec.modelFingerprint(), model.fingerprint());
        return Decoder.load(model, options);
      }
    }
    try (AdapterFolder adapter =
            AdapterFolder.open(HadoopFolder.open("adapter", spec.adapter(), configuration));
        ModelFolder model = adapter.openBase(base)) {
      requireSame("model", spec.model(), spec.modelFingerprint(), model.fingerprint());
      requireSame("adapter", spec.adapter(), spec.adapterFingerprint(), adapter.fingerprint());
      return Decoder.load(model, new AdapterSource.Continued(adapter), options);
    }
  }

  private static void requireSame(String what, String folder, String expected, String found) {
    if (!found.equals(expected)) {
      throw CollimateException.data(
          "The %s '%s' has other files on this executor than on the driver; every machine must see the same folder"
              .formatted(what, folder));
    }
  }
}
