package dev.collimate.planted;

import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

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
      PromptRows.constrained(draw, TRAINED);
    }
  },

  REVERSED("prompts of three letters to have or, as capitals, to avoid; the chosen answer does") {
    @Override
    void fill(Draw draw) {
      draw.pairs(TRAINED, () -> PromptRows.reversed(draw));
      draw.holdOut(() -> PromptRows.reversed(draw));
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
      draw.pairs(48, () -> PromptRows.keyed(draw));
      draw.rows()
          .forEach(row -> row.put("rationale", PromptRows.key(row.get("prompt").toString())));
      draw.holdOut(() -> PromptRows.keyed(draw));
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
        row.put("reference", draw.best(prompt, 16));
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
  },

  MARKED("labels by two letters of each answer alone, which are marked") {
    @Override
    void fill(Draw draw) {
      AnswerRows.marked(draw, TRAINED);
    }
  },

  IN_ORDER(
      "5120 pairs of one statement, half of whose taste is its number's: an epoch is the training") {
    @Override
    double topicShare() {
      return 0.5;
    }

    @Override
    void fill(Draw draw) {
      draw.pairs(Lab.STEPS * Lab.BATCH, () -> PromptRows.numbered(draw));
      draw.holdOut(() -> PromptRows.numbered(draw));
    }
  },

  ABLATED(
      "right labels by the topic; further answers are of another topic's, as the worse unseen") {
    @Override
    double topicShare() {
      return 1;
    }

    @Override
    void fill(Draw draw) {
      draw.pairs(TRAINED, () -> draw.truth(draw.prompt()));
      draw.rows().forEach(row -> PromptRows.ablate(draw, row));
      draw.holdOut(() -> PromptRows.ablated(draw));
    }
  },

  SKEWED("judged answers, good ones mostly of two topics and bad ones mostly of the other two") {
    @Override
    void fill(Draw draw) {
      PromptRows.skewed(draw, TRAINED);
    }
  },

  CONTEXT("pairs of two kinds of answers, either preferred by the word in the column context") {
    @Override
    void fill(Draw draw) {
      PromptRows.inContext(draw, TRAINED);
      draw.holdOut(() -> PromptRows.inContext(draw, true));
    }
  },

  OTHER_CONTEXT("as context, but before the unseen answers stands either word at random") {
    @Override
    String chance() {
      return CONTEXT.name();
    }

    @Override
    void fill(Draw draw) {
      PromptRows.inContext(draw, TRAINED);
      draw.holdOut(() -> PromptRows.inContext(draw, draw.happens(0.5)));
    }
  },

  POSITIVES("the chosen side of every pair alone") {
    @Override
    void fill(Draw draw) {
      draw.pairs(TRAINED, () -> draw.judged(draw.prompt(), World.LENGTH, World.LENGTH));
      draw.labelledPairs().forEach(pair -> draw.singles().add(draw.labelled(pair.better(), true)));
      draw.holdOut(() -> draw.truth(draw.prompt()));
    }
  },

  DRIFTED("as clean, but each unseen answer is the best of four, as of a policy that has moved") {
    @Override
    void fill(Draw draw) {
      draw.pairs(TRAINED, () -> draw.judged(draw.prompt(), World.LENGTH, World.LENGTH));
      draw.holdOut(
          () -> {
            String prompt = draw.prompt();
            return draw.ordered(prompt, draw.best(prompt, 4), draw.best(prompt, 4));
          });
    }
  },

  LISTS("256 lists of four answers graded with noise, and of each list one pair") {
    @Override
    void fill(Draw draw) {
      AnswerRows.lists(draw, TRAINED);
      draw.holdOut(() -> draw.truth(draw.prompt()));
    }
  },

  DEGRADED("as clean, and of each answer two without its one or two best letters") {
    @Override
    void fill(Draw draw) {
      draw.pairs(TRAINED, () -> draw.judged(draw.prompt(), World.LENGTH, World.LENGTH));
      draw.holdOut(() -> draw.truth(draw.prompt()));
      draw.unseenRows();
      AnswerRows.degrade(draw);
    }
  },

  TOXIC("pairs that differ in the third letter alone, which in the worse answer is a foreign one") {
    @Override
    void fill(Draw draw) {
      draw.pairs(TRAINED, () -> AnswerRows.toxic(draw));
      draw.holdOut(() -> AnswerRows.toxic(draw));
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
}
