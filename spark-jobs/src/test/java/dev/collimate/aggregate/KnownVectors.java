package dev.collimate.aggregate;

import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.GradientTree;
import dev.collimate.parameters.TreeNode;
import dev.collimate.parameters.VectorPool;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;

/** Gradients that anyone can compute from the leaf's number and the parameters' first entry. */
final class KnownVectors {

  private KnownVectors() {}

  static FlatVector parameters(long size, long version) {
    FlatVector values = new FlatVector(size);
    for (int i = 0; i < values.blockCount(); i++) {
      float[] block = values.block(i);
      for (int j = 0; j < block.length; j++) {
        block[j] = (version * 31 + i * 7L + j) % 1009 / 64f;
      }
    }
    return values;
  }

  static byte[] payload(int leaf) {
    return ByteBuffer.allocate(4).putInt(leaf).array();
  }

  static List<byte[]> payloads(int leaves) {
    List<byte[]> payloads = new ArrayList<>();
    for (int leaf = 0; leaf < leaves; leaf++) {
      payloads.add(payload(leaf));
    }
    return payloads;
  }

  static int leaf(byte[] payload) {
    return ByteBuffer.wrap(payload).getInt();
  }

  /** Each entry depends on the parameter's entry and on the leaf, and sums of them round. */
  static void gradient(int leaf, FlatVector parameters, FlatVector out) {
    SplittableRandom random = new SplittableRandom(leaf);
    for (int i = 0; i < out.blockCount(); i++) {
      float[] block = out.block(i);
      float[] values = parameters.block(i);
      float scale = (float) Math.scalb(random.nextDouble() - 0.5, random.nextInt(12));
      for (int j = 0; j < block.length; j++) {
        block[j] = values[j] * scale + leaf;
      }
    }
  }

  static byte[] result(int leaf, FlatVector parameters) {
    return ByteBuffer.allocate(8).putInt(leaf).putFloat(parameters.get(0)).array();
  }

  /** The sum as one thread without sockets finds it. */
  static FlatVector sum(int leaves, FlatVector parameters) {
    return sum(leaves, parameters, GradientFormat.FLOAT32);
  }

  /** The same of leaves that are rounded to a format. */
  static FlatVector sum(int leaves, FlatVector parameters, GradientFormat format) {
    VectorPool pool = new VectorPool(parameters.size());
    GradientTree tree = new GradientTree(TreeNode.root(leaves), pool);
    for (int leaf = 0; leaf < leaves; leaf++) {
      FlatVector gradient = pool.take();
      gradient(leaf, parameters, gradient);
      format.round(gradient);
      tree.put(new TreeNode(leaf, leaf + 1), gradient);
    }
    return tree.takeRoot();
  }

  /** The task that computes them; a subclass changes what it must. */
  static class Task implements WorkerTask {
    private FlatVector parameters = new FlatVector(0);

    FlatVector parameters() {
      return parameters;
    }

    @Override
    public byte[] describe() {
      return new byte[] {1};
    }

    @Override
    public void parameters(long version, FlatVector values) {
      parameters = values.copy();
    }

    @Override
    public byte[] leaf(byte[] payload, FlatVector gradientOut, BooleanSupplier isVoid) {
      gradient(KnownVectors.leaf(payload), parameters, gradientOut);
      return result(KnownVectors.leaf(payload), parameters);
    }

    @Override
    public byte[] call(byte[] payload) {
      return result(KnownVectors.leaf(payload), parameters);
    }

    @Override
    public void close() {
      parameters = new FlatVector(0);
    }
  }
}
