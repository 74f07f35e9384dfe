package dev.collimate.parameters;

import java.util.HashMap;
import java.util.Map;

/**
 * Sums gradients in float32 in the fixed order of the tree, whatever the order of arrival. Workers
 * sum the leaves of a lease with it and the driver the leases of a step, so that the bits of the
 * root depend on the leaves alone. One thread at a time.
 */
public final class GradientTree {

  private final TreeFront front;
  private final VectorPool pool;
  private final int threads;
  private final Map<TreeNode, FlatVector> sums = new HashMap<>();

  /**
   * @param root the node to be summed: the whole step's, or a lease's
   * @param pool takes back the vectors that were added into others
   */
  public GradientTree(TreeNode root, VectorPool pool) {
    this(root, pool, 1);
  }

  /**
   * @param root the node to be summed: the whole step's, or a lease's
   * @param pool takes back the vectors that were added into others
   * @param threads that share an addition
   */
  public GradientTree(TreeNode root, VectorPool pool, int threads) {
    this.front = new TreeFront(root);
    this.pool = pool;
    this.threads = threads;
  }

  /**
   * Takes the sum of a node, and the vector itself, which must have come from the pool.
   *
   * @throws IllegalStateException where a leaf of the node is in the sum already
   */
  public void put(TreeNode node, FlatVector sum) {
    var completed = front.fill(node);
    sums.put(node, sum);
    for (TreeNode parent : completed) {
      FlatVector left = sums.remove(parent.left());
      FlatVector right = sums.remove(parent.right());
      left.add(right, threads);
      pool.giveBack(right);
      sums.put(parent, left);
    }
  }

  public boolean isComplete() {
    return front.isComplete();
  }

  /** Vectors held at the moment. */
  public int held() {
    return sums.size();
  }

  /** Hands over the root's sum; the tree is empty afterwards. */
  public FlatVector takeRoot() {
    FlatVector root = sums.remove(front.root());
    if (root == null) {
      throw new IllegalStateException("the sum over " + front.root() + " is not complete");
    }
    return root;
  }

  /** Gives every vector back to the pool; the tree is of no use afterwards. */
  public void discard() {
    sums.values().forEach(pool::giveBack);
    sums.clear();
  }
}
