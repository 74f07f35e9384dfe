package dev.collimate.parameters;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Which part of a tree is filled: the largest nodes whose sum is known. A node comes in only where
 * none of its leaves is filled, and two filled siblings become their parent at once.
 */
public final class TreeFront {

  private final TreeNode root;
  private final BitSet filledLeaves = new BitSet();
  private final Set<TreeNode> filled = new HashSet<>();

  public TreeFront(TreeNode root) {
    this.root = root;
  }

  public TreeNode root() {
    return root;
  }

  /** Whether no leaf of the node is filled, so that its sum can be taken. */
  public boolean isFree(TreeNode node) {
    int first = filledLeaves.nextSetBit(node.from());
    return first < 0 || first >= node.to();
  }

  /**
   * Fills a free node.
   *
   * @return the parents that this completes, from the node upwards; each replaces its two children
   * @throws IllegalStateException where a leaf of the node is filled already
   */
  public List<TreeNode> fill(TreeNode node) {
    List<TreeNode> path = root.pathTo(node);
    if (!isFree(node)) {
      throw new IllegalStateException("a leaf of " + node + " is filled already");
    }
    filledLeaves.set(node.from(), node.to());
    filled.add(node);
    List<TreeNode> completed = new ArrayList<>();
    for (int i = path.size() - 2; i >= 0; i--) {
      TreeNode parent = path.get(i);
      if (!filled.contains(parent.left()) || !filled.contains(parent.right())) {
        break;
      }
      filled.remove(parent.left());
      filled.remove(parent.right());
      filled.add(parent);
      completed.add(parent);
    }
    return completed;
  }

  public boolean isComplete() {
    return filled.contains(root);
  }

  /** Number of filled nodes that wait for a sibling: the buffers that hold their sums. */
  public int size() {
    return filled.size();
  }
}
