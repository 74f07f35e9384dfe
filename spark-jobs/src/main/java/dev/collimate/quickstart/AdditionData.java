package dev.collimate.quickstart;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * The quick start's data, drawn from one seed. No problem stands in two of the lists.
 *
 * @param demonstrations problems to learn from, most carries forgotten
 * @param preferences problems with a carry: the right answer is chosen over the faulty one
 * @param heldOut problems that no training sees
 */
record AdditionData(
    List<Demonstration> demonstrations, List<Addition> preferences, List<Addition> heldOut) {

  /** Share of the demonstrations with a carry that forget it. */
  static final double FORGOTTEN = 0.7;

  private static final int HELD_OUT = 1200;
  private static final int DEMONSTRATIONS = 3900;

  /** A problem with the answer that is shown for it. */
  record Demonstration(Addition problem, String answer) {}

  AdditionData {
    demonstrations = List.copyOf(demonstrations);
    preferences = List.copyOf(preferences);
    heldOut = List.copyOf(heldOut);
  }

  static AdditionData draw(long seed) {
    Random random = new Random(seed);
    List<Addition> problems = new ArrayList<>();
    for (int left = 10; left < 100; left++) {
      for (int right = 10; right < 100; right++) {
        problems.add(new Addition(left, right));
      }
    }
    Collections.shuffle(problems, random);
    int end = HELD_OUT + DEMONSTRATIONS;
    List<Demonstration> demonstrations = new ArrayList<>();
    for (Addition problem : problems.subList(HELD_OUT, end)) {
      boolean forgotten = problem.carries() && random.nextDouble() < FORGOTTEN;
      demonstrations.add(
          new Demonstration(problem, forgotten ? problem.faulty() : problem.worked()));
    }
    List<Addition> preferences =
        problems.subList(end, problems.size()).stream().filter(Addition::carries).toList();
    return new AdditionData(demonstrations, preferences, problems.subList(0, HELD_OUT));
  }
}
