package dev.collimate.train;

import dev.collimate.report.RolloutSample;
import dev.collimate.reward.RewardOutcome;
import dev.collimate.reward.RowReward;
import dev.collimate.storage.Storage;
import dev.collimate.train.Rollouts.Completed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.hadoop.util.HadoopOutputFile;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;

/** The completions of every rollout with their rewards, a Parquet file each, for people. */
final class RolloutLog {

  private static final String REWARD_COLUMN = "rewards/";

  private final RunDirectory run;
  private final Configuration configuration;

  RolloutLog(RunDirectory run, Configuration configuration) {
    this.run = run;
    this.configuration = configuration;
  }

  /** Writes the file of a rollout; one that is there already is of the same rollout. */
  void add(long step, List<Completed> completions, RewardOutcome outcome) {
    Path target = new Path(run.rollouts(), "step-%08d.parquet".formatted(step));
    Path temporary = new Path(run.rollouts(), ".step-%08d.parquet.next".formatted(step));
    try {
      Storage storage = Storage.of(target, configuration);
      write(temporary, step, completions, outcome);
      storage.fileSystem().delete(target, false);
      if (!storage.fileSystem().rename(temporary, target)) {
        throw new IOException("cannot rename " + temporary);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + target, e);
    }
  }

  /** Completions of the last rollout, the first ones; none where there was no rollout. */
  List<RolloutSample> last(int count) throws IOException {
    Storage storage = Storage.of(run.rollouts(), configuration);
    if (!storage.exists(run.rollouts())) {
      return List.of();
    }
    Optional<Path> file =
        Arrays.stream(storage.fileSystem().listStatus(run.rollouts()))
            .map(FileStatus::getPath)
            .filter(path -> path.getName().matches("step-\\d+\\.parquet"))
            .max(Comparator.comparing(Path::getName));
    List<RolloutSample> samples = new ArrayList<>();
    if (file.isPresent()) {
      try (ParquetReader<Group> reader =
          ParquetReader.builder(new GroupReadSupport(), file.get())
              .withConf(configuration)
              .build()) {
        for (Group row = reader.read();
            row != null && samples.size() < count;
            row = reader.read()) {
          samples.add(sample(row));
        }
      }
    }
    return samples;
  }

  private static RolloutSample sample(Group row) {
    Map<String, Double> rewards = new LinkedHashMap<>();
    for (Type column : row.getType().getFields()) {
      String name = column.getName();
      if (name.startsWith(REWARD_COLUMN)) {
        rewards.put(name.substring(REWARD_COLUMN.length()), number(row, name).orElse(Double.NaN));
      }
    }
    Optional<Double> total = number(row, "reward");
    return new RolloutSample(
        row.getLong("step", 0),
        row.getString("prompt", 0),
        row.getString("completion", 0),
        rewards,
        total,
        total.isPresent() ? "" : row.getString("lost", 0));
  }

  private static Optional<Double> number(Group row, String column) {
    return row.getFieldRepetitionCount(column) > 0
        ? Optional.of(row.getDouble(column, 0))
        : Optional.empty();
  }

  private void write(Path path, long step, List<Completed> completions, RewardOutcome outcome)
      throws IOException {
    MessageType schema = schema(outcome.labels());
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(HadoopOutputFile.fromPath(path, configuration))
            .withType(schema)
            .withConf(configuration)
            .withCompressionCodec(CompressionCodecName.ZSTD)
            .withWriteMode(ParquetFileWriter.Mode.OVERWRITE)
            .build()) {
      for (int i = 0; i < completions.size(); i++) {
        writer.write(group(schema, step, completions.get(i), outcome, outcome.rows().get(i)));
      }
    }
  }

  private static Group group(
      MessageType schema, long step, Completed completed, RewardOutcome outcome, RowReward reward) {
    Group group = new SimpleGroup(schema);
    group.add("step", step);
    group.add("prompt_key", completed.text().promptKey());
    group.add("sample", completed.text().sample());
    group.add("prompt", completed.text().prompt());
    group.add("completion", completed.text().completion());
    group.add("num_tokens", completed.written().ids().length);
    group.add("ended", completed.written().ended());
    if (reward.isLost()) {
      group.add("lost", reward.failure().orElseThrow().reason().code());
    } else {
      group.add("reward", reward.total(outcome.weights()));
    }
    for (int label = 0; label < outcome.labels().size(); label++) {
      if (!Double.isNaN(reward.values().get(label))) {
        group.add(column(outcome.labels().get(label)), reward.values().get(label));
      }
    }
    return group;
  }

  private static String column(String label) {
    return REWARD_COLUMN + label;
  }

  private static MessageType schema(List<String> labels) {
    Types.GroupBuilder<MessageType> columns =
        Types.buildMessage()
            .required(PrimitiveTypeName.INT64)
            .named("step")
            .required(PrimitiveTypeName.BINARY)
            .as(LogicalTypeAnnotation.stringType())
            .named("prompt_key")
            .required(PrimitiveTypeName.INT32)
            .named("sample")
            .required(PrimitiveTypeName.BINARY)
            .as(LogicalTypeAnnotation.stringType())
            .named("prompt")
            .required(PrimitiveTypeName.BINARY)
            .as(LogicalTypeAnnotation.stringType())
            .named("completion")
            .required(PrimitiveTypeName.INT32)
            .named("num_tokens")
            .required(PrimitiveTypeName.BOOLEAN)
            .named("ended")
            .optional(PrimitiveTypeName.DOUBLE)
            .named("reward")
            .optional(PrimitiveTypeName.BINARY)
            .as(LogicalTypeAnnotation.stringType())
            .named("lost");
    for (String label : labels) {
      columns = columns.optional(PrimitiveTypeName.DOUBLE).named(column(label));
    }
    return columns.named("rollout");
  }
}
