package dev.collimate.planted;

import dev.collimate.learn.LearnRow;
import dev.collimate.nn.Decoder;
import dev.collimate.objective.Objective;
import dev.collimate.objective.ReferenceSync;
import dev.collimate.objective.RowInputs.Reference;
import dev.collimate.parameters.FlatVector;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A reference model on its way after the policy, where the objective has it follow. */
final class Following {

  /** The reference stays. */
  static final Following NONE = new Following(Optional.empty());

  /**
   * What a reference is made of.
   *
   * @param model to be the reference after the first time
   * @param parameters of the reference as it is
   */
  private record Source(
      ReferenceSync sync,
      Preparation preparation,
      Decoder model,
      FlatVector parameters,
      List<LearnRow> rows) {}

  private final Optional<Source> source;

  /** Of the reference as it is, by the rows' keys; those of the start are not among them. */
  private final Map<String, Reference> now = new HashMap<>();

  private Following(Optional<Source> source) {
    this.source = source;
  }

  /**
   * @param model to be the reference after the first time
   * @param start the reference's parameters before it
   */
  static Following of(
      Objective objective,
      Preparation preparation,
      Decoder model,
      FlatVector start,
      List<LearnRow> rows) {
    FlatVector parameters = new FlatVector(start.size());
    for (long i = 0; i < start.size(); i++) {
      parameters.set(i, start.get(i));
    }
    return new Following(
        objective
            .declaration()
            .sync()
            .map(sync -> new Source(sync, preparation, model, parameters, rows)));
  }

  LearnRow row(LearnRow row) {
    return new LearnRow(row.example(), now.getOrDefault(row.example().key(), row.reference()));
  }

  void after(long step, FlatVector policy) {
    source.filter(of -> of.sync.isAfter(step)).ifPresent(of -> follow(of, policy));
  }

  private void follow(Source of, FlatVector policy) {
    of.sync.mix(of.parameters, policy);
    of.model.load(of.parameters);
    of.preparation
        .against(of.model, of.rows.stream().map(LearnRow::example).toList())
        .forEach(row -> now.put(row.example().key(), row.reference()));
  }
}
