package dev.collimate.planted;

import dev.collimate.planted.Judged.Side;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * What is planted. All scenarios of a seed share the letters' utilities; {@link #draw} gives the
 * same rows whenever it is called.
 */
enum Scenario {
  CLEAN("labels by Bradley-Terry of the true utilities, about one in eight wrong") {
    @Override
    void fill(Draw draw) {
      draw.pairs(TRAINED, () -> draw.judged(draw.prompt(), World.LENGTH, World.LENGTH));
      draw.holdOut(() -> draw.truth(draw.prompt()));
    }
  },

  FLIPS("30 % of the labels wrong, at random") {
    @Override
    void fill(Draw draw) {
      draw.pairs(
          TRAINED,
          () -> {
            Judged truth = draw.truth(draw.prompt());
            return draw.happens(0.3) ? swapped(truth) : truth;
          });
      draw.holdOut(() -> draw.truth(draw.prompt()));
    }
  },

  GROUPS("one row in seven of a group with the opposite taste, which its prompt names") {
    @Override
    void fill(Draw draw) {
      draw.pairs(
          TRAINED,
          () -> {
            char group = draw.happens(1.0 / 7) ? World.MINORITY : World.MAJORITY;
            return draw.judged(draw.prompt(group), World.LENGTH, World.LENGTH);
          });
      draw.holdOut(
          () -> draw.truth(draw.prompt(draw.happens(0.5) ? World.MINORITY : World.MAJORITY)));
    }
  },

  LENGTH("labels that lean to the longer answer, which is no better") {
    @Override
    void fill(Draw draw) {
      draw.pairs(
          TRAINED,
          () -> {
            String prompt = draw.prompt();
            String one = draw.letters(draw.between(3, 9));
            String other = draw.letters(draw.between(3, 9));
            double bonus = one.length() - other.length();
            double gap = draw.gap(prompt, one, other);
            return draw.happens(World.sigmoid(World.SHARPNESS * gap + bonus))
                ? Judged.of(prompt, one, other, gap)
                : Judged.of(prompt, other, one, -gap);
          });
      draw.holdOut(() -> draw.truth(draw.prompt()));
    }
  },

  SCORED("right labels, and the true utility of every answer in the score columns") {
    @Override
    void fill(Draw draw) {
      draw.pairs(TRAINED, () -> draw.truth(draw.prompt()));
      draw.singlesOfPairs();
      draw.holdOut(() -> draw.truth(draw.prompt()));
    }
  },

  SCORED_WITH_MARGIN("as scored, the true difference in the column margin too") {
    @Override
    String chance() {
      return SCORED.name();
    }

    @Override
    void fill(Draw draw) {
      draw.pairs(TRAINED, () -> draw.truth(draw.prompt()));
      draw.rows().forEach(row -> row.put("margin", row.get("rm_margin")));
      draw.holdOut(() -> draw.truth(draw.prompt()));
    }
  },

  VOTES("labels of one judge, and the share of nine like judges that agree with it") {
    @Override
    void fill(Draw draw) {
      draw.pairs(TRAINED, () -> draw.judged(draw.prompt(), World.LENGTH, World.LENGTH));
      draw.holdOut(() -> draw.truth(draw.prompt()));
    }
  },

  FEW("48 pairs, half of the taste particular to one of four topics") {
    @Override
    double topicShare() {
      return 0.5;
    }

    @Override
    void fill(Draw draw) {
      draw.pairs(48, () -> draw.judged(draw.prompt(), World.LENGTH, World.LENGTH));
      draw.holdOut(() -> draw.truth(draw.prompt()));
    }
  },

  OFF_POLICY("half of the pairs of another writer's letters, and of the opposite taste") {
    @Override
    void fill(Draw draw) {
      draw.pairs(
          TRAINED,
          () -> {
            if (draw.happens(0.5)) {
              return draw.truth(draw.prompt());
            }
            String prompt = draw.prompt();
            String one = draw.letters(3) + draw.alien(3);
            String other = draw.letters(3) + draw.alien(3);
            return swapped(draw.ordered(prompt, one, other));
          });
      draw.holdOut(() -> draw.truth(draw.prompt()));
    }
  },

  CONSTRAINT(
      "prompts that ask for a letter which both answers have, so that pairs do not teach it") {
    @Override
    void fill(Draw draw) {
      draw.pairs(TRAINED, () -> constrained(draw));
      for (int i = 0; i < draw.rows().size(); i++) {
        Map<String, Object> row = draw.rows().get(i);
        String chosen = row.get("chosen").toString();
        String rejected = row.get("rejected").toString();
        String prompt = row.get("prompt").toString();
        String start = prompt.substring(0, 6);
        char asked = prompt.charAt(6);
        String neither = without(World.LETTERS, chosen + rejected);
        row.put("prompt_violating", asking(start, draw.letterOf(neither), '.'));
        row.put("prompt_corrupted", row.get("prompt_violating"));
        row.put("prompt_widening", asking(start, asked, draw.letterOf(without(chosen, rejected))));
        row.put("prompt_narrowing", asking(start, asked, draw.letterOf(without(rejected, chosen))));
      }
      draw.holdOut(
          () -> {
            String start = draw.prompt().substring(0, 5) + "+";
            String answer = draw.letters(World.LENGTH);
            char met = draw.letterOf(answer);
            char unmet = draw.letterOf(without(World.LETTERS, answer));
            return new Judged(
                new Side(asking(start, met, '.'), answer),
                new Side(asking(start, unmet, '.'), answer),
                "all",
                1);
          });
    }

    private Judged constrained(Draw draw) {
      while (true) {
        Judged pair = draw.truth(draw.prompt());
        String one = pair.better().completion();
        String other = pair.worse().completion();
        String shared = without(one, without(one, other));
        if (!shared.isEmpty() && !without(one, other).isEmpty() && !without(other, one).isEmpty()) {
          String start = pair.better().prompt().substring(0, 5) + "+";
          return Judged.of(asking(start, draw.letterOf(shared), '.'), one, other, pair.gap());
        }
      }
    }

    private static String asking(String start, char letter, char further) {
      return start + letter + further + ":";
    }
  },

  REVERSED("prompts of three letters to have or, as capitals, to avoid; the chosen answer does") {
    @Override
    void fill(Draw draw) {
      draw.pairs(TRAINED, () -> reversed(draw));
      draw.holdOut(() -> reversed(draw));
    }

    private Judged reversed(Draw draw) {
      while (true) {
        String chosen = draw.letters(World.LENGTH);
        String rejected = draw.letters(World.LENGTH);
        StringBuilder prompt = new StringBuilder(draw.prompt().substring(0, 5));
        double gap = 0;
        String left = World.LETTERS;
        for (int i = 0; i < 3; i++) {
          char letter = draw.letterOf(left);
          left = without(left, String.valueOf(letter));
          boolean isIn = chosen.indexOf(letter) >= 0;
          prompt.append(isIn ? letter : Character.toUpperCase(letter));
          gap += isIn == rejected.indexOf(letter) >= 0 ? 0 : 1;
        }
        if (gap > 0) {
          return Judged.of(prompt + ":", chosen, rejected, gap);
        }
      }
    }
  },

  STATEMENTS("pairs of one statement of two letters after the statements before it") {
    @Override
    void fill(Draw draw) {
      draw.pairs(TRAINED, () -> draw.statement());
      draw.holdOut(() -> draw.statement());
    }
  },

  WHOLE_ANSWERS("as many pairs of whole answers of three statements; held out are statements") {
    @Override
    void fill(Draw draw) {
      draw.pairs(TRAINED, () -> draw.truth(draw.prompt()));
      draw.holdOut(() -> draw.statement());
    }
  },

  RATIONALE(
      "48 pairs, labels by whether an answer has the topic's key letter, which is the rationale") {
    @Override
    void fill(Draw draw) {
      draw.pairs(48, () -> keyed(draw));
      draw.rows().forEach(row -> row.put("rationale", key(row.get("prompt").toString())));
      draw.holdOut(() -> keyed(draw));
    }

    private static String key(String prompt) {
      return World.LETTERS.substring(World.TOPICS.indexOf(prompt.charAt(1))).substring(0, 1);
    }

    private Judged keyed(Draw draw) {
      String prompt = draw.prompt();
      String key = key(prompt);
      String plain = without(World.LETTERS, key);
      StringBuilder chosen = new StringBuilder(draw.drawn(plain, World.LENGTH));
      int place = draw.between(0, World.LENGTH - 1);
      chosen.replace(place, place + 1, key);
      return Judged.of(prompt, chosen.toString(), draw.drawn(plain, World.LENGTH), 1);
    }
  },

  DEMONSTRATIONS("demonstrations of an alphabetical chain, 30 % of them with shuffled letters") {
    @Override
    void fill(Draw draw) {
      for (int i = 0; i < TRAINED; i++) {
        String completion = draw.chain();
        String shown = draw.happens(0.3) ? draw.shuffled(completion) : completion;
        Map<String, Object> row = draw.single(draw.prompt(), shown);
        row.put("mean_log_llm_probs", Draw.chainLogProb(shown) + 0.2 * draw.normal());
        draw.singles().add(row);
      }
      draw.holdOut(
          () -> {
            String completion = draw.chain();
            return Judged.of(draw.prompt(), completion, draw.shuffled(completion), 1);
          });
    }
  },

  IMBALANCED("judged answers, four bad ones for each good one; of the pairs a quarter is whole") {
    @Override
    void fill(Draw draw) {
      for (int i = 0; i < TRAINED; i++) {
        Judged pair = draw.judged(draw.prompt(), World.LENGTH, World.LENGTH);
        draw.singles().add(draw.labelled(pair.worse(), false));
        if (i % 4 == 0) {
          draw.singles().add(draw.labelled(pair.better(), true));
          draw.pair(pair);
        }
      }
      draw.holdOut(() -> draw.truth(draw.prompt()));
    }
  },

  NEGATIVES("the rejected side of every pair alone") {
    @Override
    void fill(Draw draw) {
      draw.pairs(TRAINED, () -> draw.judged(draw.prompt(), World.LENGTH, World.LENGTH));
      draw.labelledPairs().forEach(pair -> draw.singles().add(draw.labelled(pair.worse(), false)));
      draw.holdOut(() -> draw.truth(draw.prompt()));
    }
  },

  GOLD("right labels, and beside each pair the best of sixteen answers to imitate") {
    @Override
    void fill(Draw draw) {
      draw.pairs(TRAINED, () -> draw.truth(draw.prompt()));
      for (Map<String, Object> row : draw.rows()) {
        String prompt = row.get("prompt").toString();
        row.put(
            "reference",
            IntStream.range(0, 16)
                .mapToObj(i -> draw.letters(World.LENGTH))
                .max(Comparator.comparingDouble(answer -> draw.world().utility(prompt, answer)))
                .orElseThrow());
      }
      draw.holdOut(() -> draw.truth(draw.prompt()));
    }
  },

  CYCLE("first letters that beat one another in a ring: a beats b, b beats c, c beats a") {
    @Override
    void fill(Draw draw) {
      draw.pairs(TRAINED, () -> cyclic(draw));
      draw.holdOut(() -> cyclic(draw));
    }

    private Judged cyclic(Draw draw) {
      int winner = draw.between(0, 2);
      String better = World.LETTERS.charAt(winner) + draw.letters(World.LENGTH - 1);
      String worse = World.LETTERS.charAt((winner + 1) % 3) + draw.letters(World.LENGTH - 1);
      return Judged.of(draw.prompt(), better, worse, 1);
    }
  };

  /** Pairs to train on. */
  static final int TRAINED = 256;

  private final String text;

  Scenario(String text) {
    this.text = text;
  }

  abstract void fill(Draw draw);

  double topicShare() {
    return 0;
  }

  /** Scenarios of one name of their chance draw the same. */
  String chance() {
    return name();
  }

  /** What is planted, in words. */
  String text() {
    return text;
  }

  Planted draw(long seed) {
    World world = new World(seed, topicShare());
    Draw draw = new Draw(world, new SplittableRandom(31 * seed + chance().hashCode()));
    fill(draw);
    return draw.planted();
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private static Judged swapped(Judged pair) {
    return new Judged(pair.worse(), pair.better(), pair.group(), -pair.gap());
  }

  /** The letters of one text that another has not. */
  private static String without(String letters, String taken) {
    StringBuilder left = new StringBuilder();
    for (int i = 0; i < letters.length(); i++) {
      if (taken.indexOf(letters.charAt(i)) < 0) {
        left.append(letters.charAt(i));
      }
    }
    return left.toString();
  }
}
