package dev.collimate.nn;

import dev.collimate.checkpoint.ModelFolder;
import dev.collimate.parameters.FlatVector;
import dev.collimate.parameters.ParameterLayout;
import dev.collimate.parameters.ParameterLayout.Parameter;
import dev.collimate.text.Sequence;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A policy with a value model of its own beside it, as one model: {@link Quantity#VALUE} is the
 * value model's, everything else the policy's. Of the value model all weights are trained, whatever
 * is trained of the policy; they stand behind the policy's parameters.
 */
public final class PolicyWithValues implements CausalModel {

  /** What the names of the value model's parameters begin with in the layout. */
  private static final String PREFIX = "value_model.";

  private final CausalModel policy;
  private final Decoder values;
  private final ParameterLayout layout;

  private PolicyWithValues(CausalModel policy, Decoder values) {
    this.policy = policy;
    this.values = values;
    layout = behind(policy.layout(), values.layout());
  }

  /**
   * Loads the value model.
   *
   * @param policy closed with the result
   * @param valueModel a sequence classifier of one label
   * @param ofPolicy how the policy computes; the value model has the same arithmetic
   */
  public static PolicyWithValues load(
      CausalModel policy, ModelFolder valueModel, DecoderOptions ofPolicy) {
    long first = policy.layout().size();
    return new PolicyWithValues(policy, Decoder.load(valueModel, ofPolicy.ofValueModel(first)));
  }

  /** The policy's trained parameters with the value model's behind them. */
  public static ParameterLayout behind(ParameterLayout policy, ParameterLayout valueModel) {
    List<Parameter> all = new ArrayList<>(policy.parameters());
    for (Parameter parameter : valueModel.parameters()) {
      all.add(new Parameter(PREFIX + parameter.name(), parameter.shape()));
    }
    return new ParameterLayout(all);
  }

  /** The value model alone, which gives VALUE and nothing else. */
  public CausalModel valueModel() {
    return values;
  }

  @Override
  public ParameterLayout layout() {
    return layout;
  }

  @Override
  public void load(FlatVector parameters) {
    policy.load(parameters);
    values.load(parameters);
  }

  @Override
  public void store(FlatVector into) {
    policy.store(into);
    values.store(into);
  }

  @Override
  public void loadOwn(double[] parameters) {
    policy.loadOwn(parameters);
  }

  @Override
  public Pass forward(
      List<Sequence> sequences, Set<Quantity> quantities, Mode mode, Adapter adapter) {
    Pass ofPolicy = policy.forward(sequences, withoutValues(quantities), mode, adapter);
    return beside(ofPolicy, sequences, quantities, mode);
  }

  @Override
  public Pass forwardRows(
      List<List<Sequence>> rows, Set<Quantity> quantities, Mode mode, Adapter adapter) {
    Pass ofPolicy = policy.forwardRows(rows, withoutValues(quantities), mode, adapter);
    return beside(ofPolicy, rows.stream().flatMap(List::stream).toList(), quantities, mode);
  }

  private static Set<Quantity> withoutValues(Set<Quantity> quantities) {
    Set<Quantity> others = EnumSet.noneOf(Quantity.class);
    others.addAll(quantities);
    others.remove(Quantity.VALUE);
    return others;
  }

  private Pass beside(
      Pass ofPolicy, List<Sequence> sequences, Set<Quantity> quantities, Mode mode) {
    if (!quantities.contains(Quantity.VALUE)) {
      return ofPolicy;
    }
    try {
      return new Both(
          ofPolicy, values.forward(sequences, Set.of(Quantity.VALUE), mode, Adapter.ON));
    } catch (RuntimeException e) {
      ofPolicy.close();
      throw e;
    }
  }

  /** The two models' passes over the same sequences. */
  private record Both(Pass policy, Pass valueModel) implements Pass {

    @Override
    public float[][] values(Quantity quantity) {
      return (quantity == Quantity.VALUE ? valueModel : policy).values(quantity);
    }

    @Override
    public void backward(float[][] gradients, FlatVector into) {
      policy.backward(gradients, into);
    }

    /** The policy's pass leaves zeros behind its parameters, the value model's only behind its. */
    @Override
    public float[] backward(Map<Quantity, float[][]> gradients, FlatVector into) {
      Map<Quantity, float[][]> ofPolicy = new EnumMap<>(gradients);
      Optional<float[][]> ofValues = Optional.ofNullable(ofPolicy.remove(Quantity.VALUE));
      float[] own = policy.backward(ofPolicy, into);
      ofValues.ifPresent(g -> valueModel.backward(Map.of(Quantity.VALUE, g), into));
      return own;
    }

    @Override
    public void close() {
      try (policy) {
        valueModel.close();
      }
    }
  }

  @Override
  public void close() {
    try (policy) {
      values.close();
    }
  }
}
