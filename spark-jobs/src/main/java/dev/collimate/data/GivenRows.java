package dev.collimate.data;

import dev.collimate.config.RunConfig;
import dev.collimate.storage.HadoopFolder;
import dev.collimate.text.ExamplePreparer;
import dev.collimate.text.GivenCompletion;
import dev.collimate.text.Tokenizer;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/** The completions that the rows of a data set bring along. */
public final class GivenRows {

  private final ShardReader reader;
  private final ExamplePreparer preparer;

  /**
   * @param reader of the prompts; stays open
   * @param tokenizer of the model; stays open
   */
  public GivenRows(
      RunConfig run,
      ShardReader reader,
      Optional<Tokenizer> tokenizer,
      Configuration configuration) {
    this.reader = reader;
    // What the time is matters to templates, which no completion passes.
    this.preparer =
        new ExamplePreparer(
            tokenizer,
            PreparerSettings.of(
                run, HadoopFolder.open("model", run.model(), configuration), LocalDateTime.MIN));
  }

  /** Those of the row with this number, counted through the split. */
  public List<GivenCompletion> of(int row) {
    return preparer.completions(reader.inputRow(row));
  }
}
