package dev.collimate.train;

import dev.collimate.CollimateException;
import dev.collimate.config.TrainConfig;
import dev.collimate.config.TrainConfig.InnerState;
import dev.collimate.learn.AdamW;
import dev.collimate.learn.GradientClip;
import dev.collimate.learn.LeafResult;
import dev.collimate.learn.LearnRow;
import dev.collimate.learn.Learner;
import dev.collimate.learn.MetricSums;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.GradientTree;
import dev.collimate.parameters.TreeNode;
import dev.collimate.parameters.VectorPool;
import dev.collimate.storage.PublishedFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * A worker's side of local steps (Douillard et al. 2023, arXiv:2311.08105, Algorithm 1, lines 5 to
 * 11): AdamW on a replica's rows from the shared weights on. One thread at a time.
 */
final class ReplicaTrainer {

  private final TrainConfig config;
  private final int threads;
  private final ReplicaStore store;
  private final Learner learner;
  private final Function<List<WorkItem.RowAddress>, List<LearnRow>> reader;
  private final VectorPool pool;

  /**
   * @param reader reads training rows
   * @param threads how many share an update
   */
  ReplicaTrainer(
      TrainConfig config,
      int threads,
      ReplicaStore store,
      Learner learner,
      Function<List<WorkItem.RowAddress>, List<LearnRow>> reader) {
    this.config = config;
    this.threads = threads;
    this.store = store;
    this.learner = learner;
    this.reader = reader;
    this.pool = new VectorPool(learner.layout().size());
  }

  /**
   * Takes a replica's steps, and leaves the learner with the replica's weights.
   *
   * @param start the shared weights, unchanged
   * @param wayOut overwritten with {@code start - end}, DiLoCo's outer gradient
   * @throws CancellationException once {@code isVoid}, asked before each micro-batch
   * @throws CollimateException of kind DATA where the replica's moments are damaged
   */
  byte[] train(WorkItem.Local work, FlatVector start, FlatVector wayOut, BooleanSupplier isVoid) {
    FlatVector weights = pool.take();
    FlatVector first = pool.take();
    FlatVector second = pool.take();
    try {
      weights.copyFrom(start);
      readMoments(work, first, second);
      AdamW optimizer =
          new AdamW(config.adamW(), learner.layout(), first, second, work.stepsTaken());
      List<Optional<ReplicaResult.Step>> steps = new ArrayList<>();
      learner.load(weights);
      for (WorkItem.LocalStep step : work.steps()) {
        steps.add(
            step.microBatches().isEmpty()
                ? Optional.empty()
                : Optional.of(step(step, weights, optimizer, isVoid)));
      }
      subtract(start, weights, wayOut);
      return new ReplicaResult(steps, writeMoments(work, first, second)).toBytes();
    } finally {
      pool.giveBack(weights);
      pool.giveBack(first);
      pool.giveBack(second);
    }
  }

  private ReplicaResult.Step step(
      WorkItem.LocalStep step, FlatVector weights, AdamW optimizer, BooleanSupplier isVoid) {
    GradientTree tree = new GradientTree(TreeNode.root(step.microBatches().size()), pool);
    double loss = 0;
    MetricSums metrics = new MetricSums();
    for (int i = 0; i < step.microBatches().size(); i++) {
      if (isVoid.getAsBoolean()) {
        tree.discard();
        throw new CancellationException("the replica is not wanted any more");
      }
      FlatVector gradient = pool.take();
      LeafResult leaf =
          learner.gradient(step.context(), reader.apply(step.microBatches().get(i)), gradient);
      tree.put(new TreeNode(i, i + 1), gradient);
      loss += leaf.loss();
      metrics.add(leaf.metrics());
    }
    FlatVector gradient = tree.takeRoot();
    double norm = GradientClip.norm(gradient, threads);
    GradientClip.requireFinite(step.context().step(), loss, norm);
    optimizer.step(
        weights,
        gradient,
        step.learningRate(),
        GradientClip.factor(norm, config.maxGradNorm()),
        threads);
    pool.giveBack(gradient);
    learner.load(weights);
    return new ReplicaResult.Step(norm, new LeafResult(loss, metrics));
  }

  private void readMoments(WorkItem.Local work, FlatVector first, FlatVector second) {
    if (work.moments().isEmpty()) {
      first.fill(0);
      second.fill(0);
      return;
    }
    try {
      store.read(work.from(), work.moments().get(), first, second);
    } catch (DamagedFileException e) {
      throw new CollimateException(
          CollimateException.Kind.DATA,
          "the moments of replica %d after step %d cannot be read: %s; start the run again, it goes on from a checkpoint"
              .formatted(work.replica(), work.from(), e.getMessage()),
          e);
    } catch (IOException e) {
      // A file system that is away for a moment: the replica is tried again elsewhere.
      throw new UncheckedIOException(e);
    }
  }

  private Optional<PublishedFile> writeMoments(
      WorkItem.Local work, FlatVector first, FlatVector second) {
    if (config.innerState() == InnerState.RESET) {
      return Optional.empty();
    }
    try {
      return Optional.of(store.write(work.to(), work.replica(), first, second));
    } catch (IOException e) {
      throw CollimateException.resources(
          "the moments of replica %d after step %d cannot be written: %s"
              .formatted(work.replica(), work.to(), e.getMessage()));
    }
  }

  private static void subtract(FlatVector start, FlatVector end, FlatVector into) {
    for (int block = 0; block < into.blockCount(); block++) {
      float[] from = start.block(block);
      float[] to = end.block(block);
      float[] way = into.block(block);
      for (int i = 0; i < way.length; i++) {
        way[i] = from[i] - to[i];
      }
    }
  }
}
