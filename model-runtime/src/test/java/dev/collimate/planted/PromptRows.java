package dev.collimate.planted;

import dev.collimate.planted.Judged.Side;
import java.util.Map;

/** Rows in which what is better depends on what the prompt says. */
final class PromptRows {

  /** As {@code RowPreparation} has it between a context and a prompt. */
  private static final String BETWEEN = "\n\n";

  private static final String ONE_KIND = World.LETTERS.substring(0, World.LETTERS.length() / 2);

  private static final String OTHER_KIND = World.LETTERS.substring(ONE_KIND.length());

  private PromptRows() {}

  /** Pairs after a prompt that asks for a letter, with the prompts that ask for others. */
  static void constrained(Draw draw, int pairs) {
    draw.pairs(pairs, () -> constrained(draw));
    for (Map<String, Object> row : draw.rows()) {
      String chosen = row.get("chosen").toString();
      String rejected = row.get("rejected").toString();
      String prompt = row.get("prompt").toString();
      String start = prompt.substring(0, 6);
      char asked = prompt.charAt(6);
      String neither = Draw.without(World.LETTERS, chosen + rejected);
      row.put("prompt_violating", asking(start, draw.letterOf(neither), '.'));
      row.put("prompt_corrupted", row.get("prompt_violating"));
      String widening = Draw.without(chosen, rejected);
      row.put("prompt_widening", asking(start, asked, draw.letterOf(widening)));
      String narrowing = Draw.without(rejected, chosen);
      row.put("prompt_narrowing", asking(start, asked, draw.letterOf(narrowing)));
    }
    draw.holdOut(
        () -> {
          String start = draw.prompt().substring(0, 5) + "+";
          String answer = draw.letters(World.LENGTH);
          char met = draw.letterOf(answer);
          char unmet = draw.letterOf(Draw.without(World.LETTERS, answer));
          return new Judged(
              new Side(asking(start, met, '.'), answer),
              new Side(asking(start, unmet, '.'), answer),
              "all",
              1);
        });
  }

  private static Judged constrained(Draw draw) {
    while (true) {
      Judged pair = draw.truth(draw.prompt());
      String one = pair.better().completion();
      String other = pair.worse().completion();
      String shared = Draw.without(one, Draw.without(one, other));
      if (!shared.isEmpty()
          && !Draw.without(one, other).isEmpty()
          && !Draw.without(other, one).isEmpty()) {
        String start = pair.better().prompt().substring(0, 5) + "+";
        return Judged.of(asking(start, draw.letterOf(shared), '.'), one, other, pair.gap());
      }
    }
  }

  private static String asking(String start, char letter, char further) {
    return start + letter + further + ":";
  }

  /** A pair after a prompt that names letters to have and letters to avoid. */
  static Judged reversed(Draw draw) {
    while (true) {
      String chosen = draw.letters(World.LENGTH);
      String rejected = draw.letters(World.LENGTH);
      StringBuilder prompt = new StringBuilder(draw.prompt().substring(0, 5));
      double gap = 0;
      String left = World.LETTERS;
      for (int i = 0; i < 3; i++) {
        char letter = draw.letterOf(left);
        left = Draw.without(left, String.valueOf(letter));
        boolean isIn = chosen.indexOf(letter) >= 0;
        prompt.append(isIn ? letter : Character.toUpperCase(letter));
        gap += isIn == rejected.indexOf(letter) >= 0 ? 0 : 1;
      }
      if (gap > 0) {
        return Judged.of(prompt + ":", chosen, rejected, gap);
      }
    }
  }

  /** A statement's pair whose topic is the statement's number, which is its group too. */
  static Judged numbered(Draw draw) {
    int before = draw.between(0, 2);
    String prompt = draw.prompt(World.MAJORITY, World.TOPICS.charAt(before));
    Judged pair = draw.ordered(prompt + draw.letters(2 * before), draw.letters(2), draw.letters(2));
    return new Judged(pair.better(), pair.worse(), "statement " + (before + 1), pair.gap());
  }

  /** Adds answers made without the topic, as for another one. */
  static void ablate(Draw draw, Map<String, Object> row) {
    row.put("rejected_1", ofAnotherTopic(draw, row.get("prompt").toString()));
  }

  /** A good answer beside one that would be good after another topic. */
  static Judged ablated(Draw draw) {
    String prompt = draw.prompt();
    return draw.ordered(prompt, draw.best(prompt, 4), ofAnotherTopic(draw, prompt));
  }

  private static String ofAnotherTopic(Draw draw, String prompt) {
    char topic = draw.letterOf(Draw.without(World.TOPICS, prompt.substring(1, 2)));
    return draw.best("" + prompt.charAt(0) + topic + prompt.substring(2), 4);
  }

  /** Of a pair the one side is seen with one probability and the other with the opposite one. */
  static void skewed(Draw draw, int pairs) {
    draw.pairs(pairs, () -> draw.judged(draw.prompt(), World.LENGTH, World.LENGTH));
    for (int i = 0; i < pairs; i++) {
      Judged pair = draw.labelledPairs().get(i);
      double share = World.TOPICS.indexOf(pair.better().prompt().charAt(1)) < 2 ? 0.9 : 0.1;
      if (draw.happens(share)) {
        draw.singles().add(embedded(draw.labelled(pair.better(), true)));
      }
      if (draw.happens(1 - share)) {
        draw.singles().add(embedded(draw.labelled(pair.worse(), false)));
      }
    }
    draw.holdOut(() -> draw.truth(draw.prompt()));
  }

  private static Map<String, Object> embedded(Map<String, Object> row) {
    row.put("embedding", Draw.embedding(row.get("prompt").toString()));
    return row;
  }

  /** Pairs whose label the word in a column decides, which half of them has. */
  static void inContext(Draw draw, int pairs) {
    for (int i = 0; i < pairs; i++) {
      boolean isUp = draw.happens(0.5);
      draw.pair(ofKinds(draw, draw.prompt(), isUp));
      draw.rows().get(i).put("context", word(isUp));
    }
  }

  /**
   * A pair with a word before its prompt.
   *
   * @param isRight whether the word is the one by which the better answer is the better one
   */
  static Judged inContext(Draw draw, boolean isRight) {
    boolean isUp = draw.happens(0.5);
    return ofKinds(draw, word(isUp == isRight) + BETWEEN + draw.prompt(), isUp);
  }

  private static String word(boolean isUp) {
    return isUp ? "up" : "down";
  }

  private static Judged ofKinds(Draw draw, String prompt, boolean isUp) {
    String one = draw.drawn(ONE_KIND, World.LENGTH);
    String other = draw.drawn(OTHER_KIND, World.LENGTH);
    return isUp ? Judged.of(prompt, one, other, 1) : Judged.of(prompt, other, one, 1);
  }

  /** The letter that answers are to have, by the topic. */
  static String key(String prompt) {
    return World.LETTERS.substring(World.TOPICS.indexOf(prompt.charAt(1))).substring(0, 1);
  }

  /** An answer that has the letter, beside one without it. */
  static Judged keyed(Draw draw) {
    String prompt = draw.prompt();
    String key = key(prompt);
    String plain = Draw.without(World.LETTERS, key);
    StringBuilder chosen = new StringBuilder(draw.drawn(plain, World.LENGTH));
    int place = draw.between(0, World.LENGTH - 1);
    chosen.replace(place, place + 1, key);
    return Judged.of(prompt, chosen.toString(), draw.drawn(plain, World.LENGTH), 1);
  }
}
