package dev.collimate.train;

import dev.collimate.config.ClusterConfig.Device;
import dev.collimate.data.PreparedData.Split;
import dev.collimate.executor.ModelSpec;
import dev.collimate.generate.SamplingParams;
import dev.collimate.learn.LearnRow;
import dev.collimate.learn.StepContext;
import dev.collimate.nn.DecoderOptions.Sharing;
import dev.collimate.nn.Precision;
import dev.collimate.text.Example;
import dev.collimate.text.Sequence;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The leases of objectives that learn from completions which the policy writes. Completions travel
 * with their tokens: they stand in no shard.
 */
sealed interface OnlineWork extends WorkItem {

  /**
   * Completions of prompts, all of them as one batch, whose shape is therefore part of their bits.
   *
   * @param step the optimizer step before which they are written; it decides the draws
   * @param rows numbers of the prompts, counted through the split
   * @param params its seed is the run's
   */
  record Complete(long step, Split split, int[] rows, SampleRange samples, SamplingParams params)
      implements OnlineWork {}

  /**
   * Which completions of every prompt, and who writes them.
   *
   * @param first the number of the first among the prompt's
   * @param count of them
   * @param referenceShare of the reference in them, see {@link
   *     dev.collimate.objective.Online#referenceShare}
   */
  record SampleRange(int first, int count, double referenceShare) {

    /** So many of the policy's own. */
    static SampleRange ofPolicy(int count) {
      return new SampleRange(0, count, 0);
    }
  }

  /** What is read of completions before anything is trained on them, for each counted token. */
  enum Reading {
    /** The policy's log-probabilities. */
    POLICY,
    /** The reference model's. */
    REFERENCE,
    /** What the policy's value head says. */
    VALUES
  }

  /** A reading of completions, each run by itself. */
  record Read(Reading reading, List<LearnRow> rows) implements OnlineWork {}

  /**
   * Scores of whole texts by a reward model, each run by itself.
   *
   * @param texts token ids
   */
  record Score(ModelSpec model, List<int[]> texts) implements OnlineWork {}

  /** The first pass of an objective that gathers scalars over the global batch. */
  record Gather(StepContext context, List<LearnRow> rows) implements OnlineWork {}

  /** The gradient of a micro-batch of completions. */
  record Learn(StepContext context, List<LearnRow> rows) implements OnlineWork {}

  default void write(DataOutputStream out) throws IOException {
    if (this instanceof Complete complete) {
      out.writeByte('c');
      out.writeLong(complete.step());
      out.writeUTF(complete.split().name());
      writeInts(complete.rows(), out);
      out.writeInt(complete.samples().first());
      out.writeInt(complete.samples().count());
      out.writeDouble(complete.samples().referenceShare());
      SamplingParams params = complete.params();
      out.writeInt(params.maxNewTokens());
      out.writeDouble(params.temperature());
      out.writeInt(params.topK());
      out.writeDouble(params.topP());
      out.writeLong(params.seed());
    } else if (this instanceof Read read) {
      out.writeByte('r');
      out.writeUTF(read.reading().name());
      writeLearnRows(read.rows(), out);
    } else if (this instanceof Score score) {
      out.writeByte('s');
      out.writeUTF(score.model().model());
      out.writeUTF(score.model().modelFingerprint());
      out.writeInt(score.model().numLabels());
      out.writeUTF(score.model().precision().name());
      out.writeInt(score.model().threads());
      out.writeUTF(score.model().device().name());
      out.writeInt(score.texts().size());
      for (int[] text : score.texts()) {
        writeInts(text, out);
      }
    } else if (this instanceof Gather gather) {
      out.writeByte('f');
      gather.context().write(out);
      writeLearnRows(gather.rows(), out);
    } else if (this instanceof Learn learn) {
      out.writeByte('g');
      learn.context().write(out);
      writeLearnRows(learn.rows(), out);
    }
  }

  static OnlineWork read(DataInputStream in) throws IOException {
    char kind = (char) in.readByte();
    return switch (kind) {
      case 'c' ->
          new Complete(
              in.readLong(),
              Split.valueOf(in.readUTF()),
              readInts(in),
              new SampleRange(in.readInt(), in.readInt(), in.readDouble()),
              new SamplingParams(
                  in.readInt(),
                  in.readDouble(),
                  in.readInt(),
                  in.readDouble(),
                  in.readLong(),
                  /* ignoreEos= */ false));
      case 'r' -> new Read(Reading.valueOf(in.readUTF()), readLearnRows(in));
      case 's' -> readScore(in);
      case 'f' -> new Gather(StepContext.read(in), readLearnRows(in));
      case 'g' -> new Learn(StepContext.read(in), readLearnRows(in));
      default -> throw new IllegalArgumentException("unknown kind of online work '" + kind + "'");
    };
  }

  private static Score readScore(DataInputStream in) throws IOException {
    ModelSpec model =
        new ModelSpec(
                in.readUTF(),
                in.readUTF(),
                "",
                "",
                in.readInt(),
                Precision.valueOf(in.readUTF()),
                in.readInt(),
                Sharing.NONE)
            .on(Device.valueOf(in.readUTF()));
    List<int[]> texts = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      texts.add(readInts(in));
    }
    return new Score(model, texts);
  }

  private static void writeLearnRows(List<LearnRow> rows, DataOutputStream out) throws IOException {
    out.writeInt(rows.size());
    for (LearnRow row : rows) {
      Example example = row.example();
      out.writeUTF(example.key());
      out.writeDouble(example.weight());
      out.writeInt(example.sequences().size());
      for (Map.Entry<String, Sequence> sequence : example.sequences().entrySet()) {
        out.writeUTF(sequence.getKey());
        writeInts(sequence.getValue().ids(), out);
        out.writeInt(sequence.getValue().promptLength());
        out.write(sequence.getValue().lossMask());
      }
      WorkItem.writeReference(row.reference(), out);
      WorkItem.writeDoubles(row.given(), out);
    }
  }

  private static List<LearnRow> readLearnRows(DataInputStream in) throws IOException {
    int count = in.readInt();
    List<LearnRow> rows = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      String key = in.readUTF();
      double weight = in.readDouble();
      Map<String, Sequence> sequences = new TreeMap<>();
      for (int left = in.readInt(); left > 0; left--) {
        String role = in.readUTF();
        int[] ids = readInts(in);
        int promptLength = in.readInt();
        sequences.put(role, new Sequence(ids, promptLength, in.readNBytes(ids.length)));
      }
      rows.add(
          new LearnRow(
              new Example(key, "", weight, sequences, Map.of()),
              WorkItem.readReference(in),
              WorkItem.readDoubles(in)));
    }
    return rows;
  }

  static void writeInts(int[] values, DataOutputStream out) throws IOException {
    out.writeInt(values.length);
    for (int value : values) {
      out.writeInt(value);
    }
  }

  static int[] readInts(DataInputStream in) throws IOException {
    int[] values = new int[in.readInt()];
    for (int i = 0; i < values.length; i++) {
      values[i] = in.readInt();
    }
    return values;
  }

  static void writeFloats(float[] values, DataOutputStream out) throws IOException {
    out.writeInt(values.length);
    for (float value : values) {
      out.writeFloat(value);
    }
  }

  static float[] readFloats(DataInputStream in) throws IOException {
    float[] values = new float[in.readInt()];
    for (int i = 0; i < values.length; i++) {
      values[i] = in.readFloat();
    }
    return values;
  }
}
