package dev.collimate.parameters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GradientTreeTest {

  private static final long SIZE = FlatVector.BLOCK + 7;

  static LongStream seeds() {
    String seed = System.getProperty("collimate.seed");
    return seed == null ? LongStream.range(0, 60) : LongStream.of(Long.parseLong(seed));
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void anyArrivalOrderGroupingAndNumberOfThreadsGivesTheReferenceBits(long seed) {
    Random random = new Random(seed);
    int leaves = 1 + random.nextInt(40);
    VectorPool pool = new VectorPool(SIZE);
    List<TreeNode> nodes = new ArrayList<>();
    cut(TreeNode.root(leaves), random, nodes);
    Collections.shuffle(nodes, random);

    GradientTree tree = new GradientTree(TreeNode.root(leaves), pool, 1 + random.nextInt(3));
    for (TreeNode node : nodes) {
      tree.put(node, reference(node, seed, pool));
    }

    assertThat(tree.isComplete()).isTrue();
    FlatVector root = tree.takeRoot();
    FlatVector expected = reference(TreeNode.root(leaves), seed, pool);
    assertThat(root.blockCount()).isEqualTo(2);
    for (int block = 0; block < root.blockCount(); block++) {
      assertThat(root.block(block)).isEqualTo(expected.block(block));
    }
    assertThat(pool.lent()).as("buffers out: the root and the reference").isEqualTo(2);
  }

  @Test
  void theSumFollowsTheTreeAndNotTheOrderOfLeaves() {
    // 1e8 + 1 is 1e8 in float32, so ((1e8 + 1) + (-1e8 + 1)) is 0 while a running sum gives 1.
    VectorPool pool = new VectorPool(1);
    GradientTree tree = new GradientTree(TreeNode.root(4), pool);
    float[] values = {1e8f, 1f, -1e8f, 1f};
    for (int leaf = 3; leaf >= 0; leaf--) {
      FlatVector vector = pool.take();
      vector.set(0, values[leaf]);
      tree.put(new TreeNode(leaf, leaf + 1), vector);
    }
    assertThat(tree.takeRoot().get(0)).isZero();
  }

  @Test
  void inLeafOrderAtMostLogarithmicallyManyVectorsAreHeld() {
    VectorPool pool = new VectorPool(1);
    GradientTree tree = new GradientTree(TreeNode.root(1000), pool);
    for (int leaf = 0; leaf < 1000; leaf++) {
      tree.put(new TreeNode(leaf, leaf + 1), pool.take());
    }
    assertThat(pool.takePeak()).isLessThanOrEqualTo(11);
  }

  @Test
  void aNodeWithAFilledLeafIsRefused() {
    VectorPool pool = new VectorPool(1);
    GradientTree tree = new GradientTree(TreeNode.root(4), pool);
    tree.put(new TreeNode(1, 2), pool.take());
    assertThatThrownBy(() -> tree.put(new TreeNode(0, 2), pool.take()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a leaf of [0, 2) is filled already");
  }

  @Test
  void aRangeThatIsNoNodeIsRefused() {
    VectorPool pool = new VectorPool(1);
    GradientTree tree = new GradientTree(TreeNode.root(4), pool);
    assertThatThrownBy(() -> tree.put(new TreeNode(1, 3), pool.take()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("[1, 3) is no node of the tree below [0, 4)");
  }

  @Test
  void anIncompleteSumIsNotHandedOver() {
    VectorPool pool = new VectorPool(1);
    GradientTree tree = new GradientTree(TreeNode.root(2), pool);
    tree.put(new TreeNode(0, 1), pool.take());
    assertThatThrownBy(tree::takeRoot)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the sum over [0, 2) is not complete");
  }

  @Test
  void discardingGivesEveryVectorBack() {
    VectorPool pool = new VectorPool(1);
    GradientTree tree = new GradientTree(TreeNode.root(8), pool);
    tree.put(new TreeNode(0, 1), pool.take());
    tree.put(new TreeNode(4, 8), pool.take());
    assertThat(tree.held()).isEqualTo(2);
    tree.discard();
    assertThat(pool.lent()).isZero();
  }

  private static void cut(TreeNode node, Random random, List<TreeNode> into) {
    if (node.isLeaf() || random.nextInt(3) == 0) {
      into.add(node);
    } else {
      cut(node.left(), random, into);
      cut(node.right(), random, into);
    }
  }

  private static FlatVector reference(TreeNode node, long seed, VectorPool pool) {
    if (node.isLeaf()) {
      Random random = new Random(seed * 1_000_003 + node.from());
      FlatVector leaf = pool.take();
      for (int i = 0; i < leaf.blockCount(); i++) {
        float[] block = leaf.block(i);
        for (int j = 0; j < block.length; j++) {
          block[j] = (random.nextFloat() - 0.5f) * (1 << random.nextInt(20));
        }
      }
      return leaf;
    }
    FlatVector left = reference(node.left(), seed, pool);
    FlatVector right = reference(node.right(), seed, pool);
    left.add(right);
    pool.giveBack(right);
    return left;
  }
}
