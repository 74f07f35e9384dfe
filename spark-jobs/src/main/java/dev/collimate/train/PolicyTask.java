package dev.collimate.train;

import dev.collimate.aggregate.WorkerTask;
import dev.collimate.data.ShardReader;
import dev.collimate.executor.RowLogProbs;
import dev.collimate.learn.LeafResult;
import dev.collimate.learn.LearnRow;
import dev.collimate.learn.Learner;
import dev.collimate.learn.MetricSums;
import dev.collimate.learn.StepContext;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.parameters.FlatVector;
import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import dev.collimate.train.WorkItem.RowAddress;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * A worker's side of a run: reads the rows that a lease names, computes with the policy, answers.
 * One thread at a time.
 */
final class PolicyTask implements WorkerTask {

  private final Admission.Description description;
  private final Learner learner;
  private final Function<Example, RowLogProbs> logProbs;
  private final ReplicaTrainer replicas;
  private final ShardReader trainRows;
  private final ShardReader evalRows;
  private final GreedySampler sampler;
  private final CompletionWriter writer;
  private final Closeable resources;
  private FlatVector version = new FlatVector(0);

  /**
   * @param logProbs of a row by itself, under the parameters that the learner has
   * @param replicas from the train section of the run; used where it has local steps
   * @param resources closed with the task: the readers and what the learner's model holds
   */
  PolicyTask(
      Admission.Description description,
      Learner learner,
      Function<Example, RowLogProbs> logProbs,
      Function<Function<List<RowAddress>, List<LearnRow>>, ReplicaTrainer> replicas,
      ShardReader trainRows,
      ShardReader evalRows,
      GreedySampler sampler,
      CompletionWriter writer,
      Closeable resources) {
    this.description = description;
    this.learner = learner;
    this.logProbs = logProbs;
    this.replicas = replicas.apply(rows -> learnRows(trainRows, rows));
    this.trainRows = trainRows;
    this.evalRows = evalRows;
    this.sampler = sampler;
    this.writer = writer;
    this.resources = resources;
  }

  @Override
  public byte[] describe() {
    return description.toBytes();
  }

  @Override
  public void parameters(long number, FlatVector values) {
    version = values;
    learner.load(values);
  }

  @Override
  public byte[] leaf(byte[] payload, FlatVector gradientOut, BooleanSupplier isVoid) {
    WorkItem item = WorkItem.of(payload);
    if (item instanceof WorkItem.Local local) {
      try {
        return replicas.train(local, version, gradientOut, isVoid);
      } finally {
        learner.load(version);
      }
    }
    if (item instanceof OnlineWork.Learn learn) {
      if (learn.rows().isEmpty()) {
        gradientOut.fill(0);
        return toBytes(new LeafResult(0, new MetricSums()));
      }
      return toBytes(learner.gradient(learn.context(), learn.rows(), gradientOut));
    }
    WorkItem.Gradient work = (WorkItem.Gradient) item;
    List<LearnRow> rows = learnRows(trainRows, work.rows());
    return toBytes(learner.gradient(work.context(), rows, gradientOut));
  }

  @Override
  public byte[] call(byte[] payload) {
    WorkItem work = WorkItem.of(payload);
    if (work instanceof WorkItem.Evaluate evaluate) {
      return evaluate(evaluate);
    }
    if (work instanceof WorkItem.Gather gather) {
      return gathered(gather.context(), learnRows(splitOf(gather), gather.rows()));
    }
    if (work instanceof WorkItem.Compare compare) {
      return compare(compare);
    }
    if (work instanceof WorkItem.Sample sample) {
      return sample(sample);
    }
    if (work instanceof OnlineWork.Gather gather) {
      return gathered(gather.context(), gather.rows());
    }
    if (work instanceof OnlineWork.Complete complete) {
      return write(out -> writer.complete(complete, out));
    }
    if (work instanceof OnlineWork.Score score) {
      return write(out -> writer.score(score, out));
    }
    if (work instanceof OnlineWork.Read read) {
      return write(out -> writer.read(read, out));
    }
    throw new IllegalArgumentException("a gradient is asked for as a leaf, not as a call");
  }

  private byte[] evaluate(WorkItem.Evaluate work) {
    double loss = 0;
    MetricSums metrics = new MetricSums();
    for (LearnRow row : learnRows(evalRows, work.rows())) {
      LeafResult result = learner.evaluate(work.context(), List.of(row));
      loss += result.loss();
      metrics.add(result.metrics());
    }
    return toBytes(new LeafResult(loss, metrics));
  }

  private byte[] gathered(StepContext context, List<LearnRow> rows) {
    double[][] scalars = learner.gather(context, rows);
    return write(
        out -> {
          out.writeInt(scalars.length);
          for (double[] row : scalars) {
            WorkItem.writeDoubles(row, out);
          }
        });
  }

  private byte[] compare(WorkItem.Compare work) {
    boolean isTrain = work.split() == WorkItem.Rows.TRAIN;
    List<Example> examples = examples(isTrain ? trainRows : evalRows, work.rows());
    return write(
        out -> {
          out.writeInt(examples.size());
          for (Example row : examples) {
            RowLogProbs ofRow = logProbs.apply(row);
            Map<String, Double> sums = new TreeMap<>();
            ofRow.byRole().keySet().forEach(role -> sums.put(role, ofRow.sum(role)));
            WorkItem.writeReference(new Reference(sums, ofRow.byRole()), out);
          }
        });
  }

  /** A step numbered 0 is an evaluation. */
  private ShardReader splitOf(WorkItem.Gather work) {
    return work.context().step() == 0 ? evalRows : trainRows;
  }

  /** Prompt and completion of each row, as a length and ids. */
  private byte[] sample(WorkItem.Sample work) {
    List<Example> examples = examples(evalRows, work.rows());
    return write(
        out -> {
          for (Example row : examples) {
            Sequence sequence = row.sequences().values().iterator().next();
            int[] prompt = Arrays.copyOf(sequence.ids(), sequence.promptLength());
            writeIds(prompt, out);
            writeIds(sampler.complete(prompt, work.maxNewTokens()), out);
          }
        });
  }

  private static void writeIds(int[] ids, DataOutputStream out) throws IOException {
    out.writeInt(ids.length);
    for (int id : ids) {
      out.writeInt(id);
    }
  }

  private static List<Example> examples(ShardReader reader, List<RowAddress> addresses) {
    return reader.rows(addresses.stream().mapToInt(RowAddress::row).toArray());
  }

  private static List<LearnRow> learnRows(ShardReader reader, List<RowAddress> addresses) {
    List<Example> examples = examples(reader, addresses);
    List<LearnRow> rows = new ArrayList<>(addresses.size());
    for (int i = 0; i < addresses.size(); i++) {
      RowAddress address = addresses.get(i);
      rows.add(new LearnRow(examples.get(i), address.reference(), address.given()));
    }
    return rows;
  }

  private static byte[] toBytes(LeafResult result) {
    return write(result::write);
  }

  @FunctionalInterface
  private interface Body {
    void write(DataOutputStream out) throws IOException;
  }

  private static byte[] write(Body body) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      body.write(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  @Override
  public void close() {
    try {
      resources.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
