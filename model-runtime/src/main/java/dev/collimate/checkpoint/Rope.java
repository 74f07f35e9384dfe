package dev.collimate.checkpoint;

/**
 * Rotary positions: pair i of a head's first and second half turns by {@code position *
 * inverseFrequency[i]}.
 *
 * @param theta base of the frequencies
 * @param scaling how the frequencies are stretched for longer contexts
 */
public record Rope(double theta, Scaling scaling) implements Positions {

  /** How the frequencies are stretched. */
  public sealed interface Scaling {

    /** The stretched frequency. */
    double apply(double inverseFrequency);
  }

  /** No stretching: {@code rope_type: default}. */
  public record Plain() implements Scaling {
    @Override
    public double apply(double inverseFrequency) {
      return inverseFrequency;
    }
  }

  /** {@code rope_type: linear}: every frequency is divided by the factor. */
  public record Linear(double factor) implements Scaling {
    @Override
    public double apply(double inverseFrequency) {
      return inverseFrequency / factor;
    }
  }

  /**
   * {@code rope_type: llama3}: long wavelengths are divided by the factor, short ones kept, those
   * between blended (Llama 3.1; transformers' {@code _compute_llama3_parameters}).
   */
  public record Llama3(
      double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalPositions)
      implements Scaling {
    @Override
    public double apply(double inverseFrequency) {
      double wavelength = 2 * Math.PI / inverseFrequency;
      if (wavelength < originalPositions / highFrequencyFactor) {
        return inverseFrequency;
      }
      if (wavelength > originalPositions / lowFrequencyFactor) {
        return inverseFrequency / factor;
      }
      double smooth =
          (originalPositions / wavelength - lowFrequencyFactor)
              / (highFrequencyFactor - lowFrequencyFactor);
      return (1 - smooth) * inverseFrequency / factor + smooth * inverseFrequency;
    }
  }

  /**
   * The angles per position: {@code theta^(-2i / headDim)}, stretched.
   *
   * @return [head_dim / 2] float32
   */
  public float[] inverseFrequencies(int headDim) {
    float[] frequencies = new float[headDim / 2];
    for (int i = 0; i < frequencies.length; i++) {
      double plain = StrictMath.pow(theta, -2.0 * i / headDim);
      frequencies[i] = (float) scaling.apply(plain);
    }
    return frequencies;
  }
}
