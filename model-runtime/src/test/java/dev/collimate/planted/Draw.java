package dev.collimate.planted;

import dev.collimate.planted.Judged.Side;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** Rows under way, and the chance that they come from. */
final class Draw {

  /** Answers held out. */
  private static final int HELD_OUT = 400;

  private static final int JUDGES = 9;

  /** Probability that a letter of a chain is the one after the letter before it. */
  private static final double CHAINED = 0.8;

  private final World world;
  private final SplittableRandom random;
  private final List<Map<String, Object>> rows = new ArrayList<>();
  private final List<Map<String, Object>> singles = new ArrayList<>();
  private final List<Map<String, Object>> lists = new ArrayList<>();
  private final List<Map<String, Object>> unseen = new ArrayList<>();
  private final List<Judged> labelled = new ArrayList<>();
  private final List<Judged> heldOut = new ArrayList<>();

  Draw(World world, SplittableRandom random) {
    this.world = world;
    this.random = random;
  }

  World world() {
    return world;
  }

  Planted planted() {
    return new Planted(world, rows, singles, lists, unseen, labelled, heldOut);
  }

  List<Map<String, Object>> rows() {
    return rows;
  }

  List<Map<String, Object>> singles() {
    return singles;
  }

  List<Map<String, Object>> lists() {
    return lists;
  }

  List<Map<String, Object>> unseen() {
    return unseen;
  }

  /** Makes rows of what is held out. */
  void unseenRows() {
    heldOut.forEach(pair -> unseen.add(columns(pair)));
  }

  List<Judged> labelledPairs() {
    return labelled;
  }

  void holdOut(Supplier<Judged> judged) {
    for (int i = 0; i < HELD_OUT; i++) {
      heldOut.add(judged.get());
    }
  }

  void pairs(int count, Supplier<Judged> pairs) {
    for (int i = 0; i < count; i++) {
      pair(pairs.get());
    }
  }

  /** Adds a labelled pair, with every column that can be said of any pair. */
  void pair(Judged pair) {
    rows.add(columns(pair));
    labelled.add(pair);
  }

  private Map<String, Object> columns(Judged pair) {
    String prompt = pair.better().prompt();
    String chosen = pair.better().completion();
    String rejected = pair.worse().completion();
    double gap = gap(prompt, chosen, rejected);
    Map<String, Object> row = new TreeMap<>();
    row.put("prompt", prompt);
    row.put("chosen", chosen);
    row.put("rejected", rejected);
    row.put("group", pair.group());
    row.put("chosen_score", world.utility(prompt, chosen));
    row.put("rejected_score", world.utility(prompt, rejected));
    row.put("rm_margin", gap);
    row.put("constraint_gap", Math.max(0, pair.gap()));
    row.put("statement", 1 + (prompt.length() - 6) / 2.0);
    row.put("embedding", embedding(prompt));
    row.put("preference_strength", gap + 0.5 * normal());
    int votes = 0;
    for (int judge = 0; judge < JUDGES; judge++) {
      votes += happens(World.sigmoid(World.SHARPNESS * gap)) ? 1 : 0;
    }
    row.put("agreement", (double) votes / JUDGES);
    return row;
  }

  static List<Double> embedding(String prompt) {
    List<Double> embedding = new ArrayList<>();
    for (char topic : World.TOPICS.toCharArray()) {
      embedding.add(prompt.charAt(1) == topic ? 1.0 : 0.0);
    }
    return embedding;
  }

  Map<String, Object> single(String prompt, String completion) {
    Map<String, Object> row = new TreeMap<>();
    row.put("prompt", prompt);
    row.put("completion", completion);
    row.put("score", world.utility(prompt, completion));
    return row;
  }

  Map<String, Object> labelled(Side side, boolean label) {
    Map<String, Object> row = single(side.prompt(), side.completion());
    row.put("label", label);
    return row;
  }

  /** Both sides of every pair as rows of their own. */
  void singlesOfPairs() {
    for (Judged pair : labelled) {
      singles.add(labelled(pair.better(), true));
      singles.add(labelled(pair.worse(), false));
    }
  }

  /** A pair with a label by Bradley-Terry of the utilities. */
  Judged judged(String prompt, int oneLength, int otherLength) {
    String one = letters(oneLength);
    String other = letters(otherLength);
    double gap = gap(prompt, one, other);
    return happens(World.sigmoid(World.SHARPNESS * gap))
        ? Judged.of(prompt, one, other, gap)
        : Judged.of(prompt, other, one, -gap);
  }

  /** A pair as it is in truth. */
  Judged truth(String prompt) {
    return ordered(prompt, letters(World.LENGTH), letters(World.LENGTH));
  }

  Judged ordered(String prompt, String one, String other) {
    double gap = gap(prompt, one, other);
    return gap >= 0 ? Judged.of(prompt, one, other, gap) : Judged.of(prompt, other, one, -gap);
  }

  /** One statement of two letters after none, one or two others. */
  Judged statement() {
    return ordered(prompt() + letters(2 * between(0, 2)), letters(2), letters(2));
  }

  double gap(String prompt, String one, String other) {
    return world.utility(prompt, one) - world.utility(prompt, other);
  }

  String prompt() {
    return prompt(World.MAJORITY);
  }

  /** Group, topic and a number by which rows can be told apart. */
  String prompt(char group) {
    return prompt(group, letterOf(World.TOPICS));
  }

  String prompt(char group, char topic) {
    return "" + group + topic + between(100, 999) + ":";
  }

  /** The best of so many answers at random. */
  String best(String prompt, int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> letters(World.LENGTH))
        .max(Comparator.comparingDouble(answer -> world.utility(prompt, answer)))
        .orElseThrow();
  }

  /** An answer less the letter that it owes most to. */
  String withoutBest(String prompt, String answer) {
    int best =
        IntStream.range(0, answer.length())
            .boxed()
            .max(Comparator.comparingDouble(i -> world.utility(prompt, answer.substring(i, i + 1))))
            .orElseThrow();
    return answer.substring(0, best) + answer.substring(best + 1);
  }

  String letters(int length) {
    return drawn(World.LETTERS, length);
  }

  String alien(int length) {
    return drawn(World.ALIEN, length);
  }

  String drawn(String alphabet, int length) {
    StringBuilder letters = new StringBuilder();
    for (int i = 0; i < length; i++) {
      letters.append(letterOf(alphabet));
    }
    return letters.toString();
  }

  char letterOf(String alphabet) {
    return alphabet.charAt(random.nextInt(alphabet.length()));
  }

  /** Letters that mostly follow one another in the alphabet. */
  String chain() {
    StringBuilder chain = new StringBuilder(letters(1));
    while (chain.length() < World.LENGTH) {
      chain.append(
          happens(CHAINED) ? after(chain.charAt(chain.length() - 1)) : letterOf(World.LETTERS));
    }
    return chain.toString();
  }

  /** Mean log-probability of the letters as {@link #chain} draws them. */
  static double chainLogProb(String completion) {
    double any = 1.0 / World.LETTERS.length();
    double sum = Math.log(any);
    for (int i = 1; i < completion.length(); i++) {
      boolean follows = completion.charAt(i) == after(completion.charAt(i - 1));
      sum += Math.log((follows ? CHAINED : 0) + (1 - CHAINED) * any);
    }
    return sum / completion.length();
  }

  private static char after(char letter) {
    return World.LETTERS.charAt((World.LETTERS.indexOf(letter) + 1) % World.LETTERS.length());
  }

  String shuffled(String letters) {
    StringBuilder shuffled = new StringBuilder(letters);
    for (int i = letters.length() - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      char letter = shuffled.charAt(i);
      shuffled.setCharAt(i, shuffled.charAt(j));
      shuffled.setCharAt(j, letter);
    }
    return shuffled.toString();
  }

  /** Both bounds included. */
  int between(int least, int most) {
    return random.nextInt(least, most + 1);
  }

  boolean happens(double probability) {
    return random.nextDouble() < probability;
  }

  double normal() {
    return random.nextGaussian();
  }

  /** The letters of one text that another has not. */
  static String without(String letters, String taken) {
    StringBuilder left = new StringBuilder();
    for (int i = 0; i < letters.length(); i++) {
      if (taken.indexOf(letters.charAt(i)) < 0) {
        left.append(letters.charAt(i));
      }
    }
    return left.toString();
  }
}
