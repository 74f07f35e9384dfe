package dev.collimate.learn;

import dev.collimate.parameters.Blocks;
import dev.collimate.parameters.FlatVector;

/**
 * Gradient descent with Nesterov momentum as torch.optim.SGD(nesterov=True) computes it: {@code
 * velocity = momentum * velocity + g; w = w - lr * (g + momentum * velocity)}. It is DiLoCo's outer
 * optimizer (Douillard et al. 2023, arXiv:2311.08105, Algorithm 1, line 14), where g is the mean of
 * the replicas' {@code start - end}. Each entry is updated by itself in float32, so the number of
 * threads does not change a bit.
 */
public final class NesterovMomentum {

  private final float learningRate;
  private final float momentum;
  private final FlatVector velocity;

  /**
   * @param velocity zeros before the first step; kept, not copied
   */
  public NesterovMomentum(double learningRate, double momentum, FlatVector velocity) {
    this.learningRate = (float) learningRate;
    this.momentum = (float) momentum;
    this.velocity = velocity;
  }

  /**
   * Takes one step.
   *
   * @param master the weights, updated in place
   * @param gradient multiplied by {@code scale} on the way, itself unchanged
   * @param threads how many share the blocks
   */
  public void step(FlatVector master, FlatVector gradient, double scale, int threads) {
    float factor = (float) scale;
    Blocks.run(
        master.blockCount(),
        threads,
        block -> {
          float[] w = master.block(block);
          float[] g = gradient.block(block);
          float[] v = velocity.block(block);
          for (int i = 0; i < w.length; i++) {
            float scaled = g[i] * factor;
            float next = momentum * v[i] + scaled;
            w[i] -= learningRate * (scaled + momentum * next);
            v[i] = next;
          }
        });
  }
}
