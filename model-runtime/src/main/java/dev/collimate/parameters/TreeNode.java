package dev.collimate.parameters;

import java.util.ArrayList;
import java.util.List;

/**
 * A node of the fixed binary tree over the micro-batches of a step: the leaves {@code from} to
 * {@code to - 1}. A node of n leaves splits at the largest power of two below n, so the tree, and
 * with it the float32 sum, depends on the number of leaves alone.
 *
 * @param from first leaf
 * @param to one past the last leaf
 */
public record TreeNode(int from, int to) {

  public TreeNode {
    if (from < 0 || to <= from) {
      throw new IllegalArgumentException(
          "a node needs at least one leaf, got [" + from + ", " + to + ")");
    }
  }

  public static TreeNode root(int leaves) {
    return new TreeNode(0, leaves);
  }

  public int leaves() {
    return to - from;
  }

  public boolean isLeaf() {
    return leaves() == 1;
  }

  public TreeNode left() {
    return new TreeNode(from, from + Integer.highestOneBit(leaves() - 1));
  }

  public TreeNode right() {
    return new TreeNode(from + Integer.highestOneBit(leaves() - 1), to);
  }

  public boolean contains(TreeNode other) {
    return from <= other.from && other.to <= to;
  }

  public boolean overlaps(TreeNode other) {
    return from < other.to && other.from < to;
  }

  /**
   * The way down the tree from this node to the other, both included.
   *
   * @throws IllegalArgumentException where the other is no node of the tree below this one
   */
  public List<TreeNode> pathTo(TreeNode node) {
    List<TreeNode> path = new ArrayList<>();
    TreeNode here = this;
    while (here.contains(node)) {
      path.add(here);
      if (here.equals(node)) {
        return path;
      }
      here = node.from < here.left().to ? here.left() : here.right();
    }
    throw new IllegalArgumentException(node + " is no node of the tree below " + this);
  }

  @Override
  public String toString() {
    return "[" + from + ", " + to + ")";
  }
}
