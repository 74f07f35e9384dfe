package dev.collimate.planted;

import java.util.SplittableRandom;

/**
 * What is true of the planted rows: every letter has a hidden utility, that of a completion is
 * {@code sqrt(6) * mean over its letters}, so it is standard normal for six letters drawn at random
 * and does not depend on the length. After a prompt that begins with {@link #MINORITY} everything
 * is the other way round. Letters behind {@link #LETTERS} have no utility.
 */
final class World {

  /** Letters that completions are made of. */
  static final String LETTERS = "abcdefghijklmnop";

  /** Letters of an alien writer. */
  static final String ALIEN = "qrstuvwx";

  static final String TOPICS = "WXYZ";
  static final char MAJORITY = 'A';
  static final char MINORITY = 'B';

  /** Letters of a completion where its length is not the matter. */
  static final int LENGTH = 6;

  /** Factor of a difference of utilities in the Bradley-Terry model of a label. */
  static final double SHARPNESS = 3;

  private final double[][] utilities = new double[TOPICS.length()][LETTERS.length()];

  /**
   * @param topicShare part of the utilities' variance that differs from topic to topic
   */
  World(long seed, double topicShare) {
    SplittableRandom random = new SplittableRandom(seed);
    double[] common = normals(random);
    for (double[] topic : utilities) {
      double[] own = normals(random);
      for (int letter = 0; letter < topic.length; letter++) {
        topic[letter] =
            Math.sqrt(1 - topicShare) * common[letter] + Math.sqrt(topicShare) * own[letter];
      }
    }
  }

  private static double[] normals(SplittableRandom random) {
    double[] normals = new double[LETTERS.length()];
    for (int letter = 0; letter < normals.length; letter++) {
      normals[letter] = random.nextGaussian();
    }
    return normals;
  }

  /** 0 for an empty completion. */
  double utility(String prompt, String completion) {
    int topic = TOPICS.indexOf(prompt.charAt(1));
    double sum = 0;
    for (int i = 0; i < completion.length(); i++) {
      int letter = LETTERS.indexOf(completion.charAt(i));
      sum += letter < 0 ? 0 : utilities[topic][letter];
    }
    double mean = completion.isEmpty() ? 0 : sum / completion.length();
    return (prompt.charAt(0) == MINORITY ? -1 : 1) * Math.sqrt(LENGTH) * mean;
  }

  static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }
}
