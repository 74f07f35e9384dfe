import ai.djl.engine.Engine;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

/**
 * Loads libtorch and the tokenizer library from the packed jar: the proof that relocation left them
 * whole. What DJL unpacks for it into ENGINE_CACHE_DIR is there when the first two executors of the
 * embedded cluster start at once.
 */
final class LoadNatives {
  public static void main(String[] args) {
    try (NDManager manager = Engine.getEngine("PyTorch").newBaseManager()) {
      float product = manager.ones(new Shape(1, 3)).matMul(manager.ones(new Shape(3, 1))).getFloat();
      if (product != 3f) {
        throw new IllegalStateException("libtorch computes 1 + 1 + 1 = " + product);
      }
    }
    LibUtils.checkStatus();
  }
}
