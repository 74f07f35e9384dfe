package dev.collimate.planted;

/**
 * Two answers of which one is better.
 *
 * @param group to which the judgement belongs
 * @param gap by how much the one is better, in the unit of the scenario
 */
record Judged(Side better, Side worse, String group, double gap) {

  /** A completion after its prompt. */
  record Side(String prompt, String completion) {}

  static Judged of(String prompt, String better, String worse, double gap) {
    return new Judged(
        new Side(prompt, better), new Side(prompt, worse), prompt.substring(0, 1), gap);
  }
}
