package dev.collimate.learn;

import dev.collimate.parameters.Blocks;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.parameters.ParameterLayout.Parameter;
import java.util.Arrays;
import java.util.function.IntConsumer;

/**
 * AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) in the order of operations of
 * torch.optim.AdamW: float32 moments and weights, float64 scalars rounded once. Each entry is
 * updated by itself, so the number of threads does not change a bit.
 */
public final class AdamW {

  private static final int STRIDES = 8;

  /** Fewer would leave threads idle at the end of each stride. */
  private static final int BLOCKS_PER_THREAD = 4;

  private final AdamWConfig config;
  private final FlatVector firstMoment;
  private final FlatVector secondMoment;
  private final long[] starts;
  private final boolean[] decays;
  private long steps;

  /** An optimizer before its first step. */
  public AdamW(AdamWConfig config, ParameterLayout layout) {
    this(config, layout, new FlatVector(layout.size()), new FlatVector(layout.size()), 0);
  }

  /**
   * An optimizer as it was after {@code steps} steps.
   *
   * @param firstMoment kept, not copied
   * @param secondMoment kept, not copied
   */
  public AdamW(
      AdamWConfig config,
      ParameterLayout layout,
      FlatVector firstMoment,
      FlatVector secondMoment,
      long steps) {
    this.config = config;
    this.firstMoment = firstMoment;
    this.secondMoment = secondMoment;
    this.steps = steps;
    int count = layout.parameters().size();
    this.starts = layout.offsets().stream().mapToLong(Long::longValue).toArray();
    this.decays = new boolean[count];
    for (int i = 0; i < count; i++) {
      Parameter parameter = layout.parameters().get(i);
      decays[i] = parameter.isMatrix();
    }
  }

  public FlatVector firstMoment() {
    return firstMoment;
  }

  public FlatVector secondMoment() {
    return secondMoment;
  }

  /** Steps taken so far. */
  public long steps() {
    return steps;
  }

  /**
   * Takes one step.
   *
   * @param master the weights, updated in place
   * @param gradient multiplied by {@code clipFactor} on the way, itself unchanged
   * @param threads how many share the blocks
   */
  public void step(
      FlatVector master, FlatVector gradient, double learningRate, double clipFactor, int threads) {
    step(master, gradient, learningRate, clipFactor, threads, count -> {});
  }

  /**
   * Takes one step, and says on the way how far it is.
   *
   * @param done told how many of the first blocks have been updated, now and then and at the end
   * @see #step(FlatVector, FlatVector, double, double, int)
   */
  public void step(
      FlatVector master,
      FlatVector gradient,
      double learningRate,
      double clipFactor,
      int threads,
      IntConsumer done) {
    steps++;
    Update update = new Update(config, steps, learningRate, (float) clipFactor);
    int blocks = master.blockCount();
    int stride = Math.max(BLOCKS_PER_THREAD * threads, (blocks + STRIDES - 1) / STRIDES);
    for (int from = 0; from < blocks; from += stride) {
      int first = from;
      int count = Math.min(stride, blocks - from);
      Blocks.run(count, threads, i -> updateBlock(master, gradient, first + i, update));
      done.accept(from + count);
    }
  }

  private void updateBlock(FlatVector master, FlatVector gradient, int block, Update update) {
    long offset = (long) block * FlatVector.BLOCK;
    int length = master.block(block).length;
    int parameter = parameterAt(offset);
    int from = 0;
    while (from < length) {
      while (starts[parameter + 1] <= offset + from) {
        parameter++;
      }
      int to = (int) Math.min(length, starts[parameter + 1] - offset);
      update.apply(
          new Span(block, from, to),
          decays[parameter],
          master,
          gradient,
          firstMoment,
          secondMoment);
      from = to;
    }
  }

  private int parameterAt(long offset) {
    int found = Arrays.binarySearch(starts, offset);
    return found >= 0 ? found : -found - 2;
  }

  /** Entries {@code from} to {@code to - 1} of a block. */
  private record Span(int block, int from, int to) {}

  /** One step's scalars. */
  private static final class Update {
    private final float decayFactor;
    private final float oneMinusBeta1;
    private final float beta2;
    private final float oneMinusBeta2;
    private final float rootCorrection2;
    private final float epsilon;
    private final float negativeStepSize;
    private final float clipFactor;

    Update(AdamWConfig config, long step, double learningRate, float clipFactor) {
      double correction1 = 1 - StrictMath.pow(config.beta1(), (double) step);
      double correction2 = 1 - StrictMath.pow(config.beta2(), (double) step);
      decayFactor = (float) (1 - learningRate * config.weightDecay());
      oneMinusBeta1 = (float) (1 - config.beta1());
      beta2 = (float) config.beta2();
      oneMinusBeta2 = (float) (1 - config.beta2());
      rootCorrection2 = (float) StrictMath.sqrt(correction2);
      epsilon = (float) config.epsilon();
      negativeStepSize = (float) -(learningRate / correction1);
      this.clipFactor = clipFactor;
    }

    /** {@code start + weight * (end - start)}; from one half on, as torch, counted from the end. */
    private static float lerp(float start, float end, float weight) {
      return weight < 0.5f ? start + weight * (end - start) : end - (end - start) * (1f - weight);
    }

    void apply(
        Span span,
        boolean decay,
        FlatVector master,
        FlatVector gradient,
        FlatVector first,
        FlatVector second) {
      float[] w = master.block(span.block);
      float[] g = gradient.block(span.block);
      float[] m = first.block(span.block);
      float[] v = second.block(span.block);
      float factor = decay ? decayFactor : 1f;
      for (int i = span.from; i < span.to; i++) {
        float clipped = g[i] * clipFactor;
        float mean = lerp(m[i], clipped, oneMinusBeta1);
        float square = v[i] * beta2 + oneMinusBeta2 * clipped * clipped;
        float denominator = (float) Math.sqrt(square) / rootCorrection2 + epsilon;
        w[i] = w[i] * factor + negativeStepSize * mean / denominator;
        m[i] = mean;
        v[i] = square;
      }
    }
  }
}
