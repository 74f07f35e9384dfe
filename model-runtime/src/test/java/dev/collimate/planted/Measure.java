package dev.collimate.planted;

import dev.collimate.planted.Judged.Side;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** A number that is read off a trained model. */
enum Measure {
  ACCURACY("accuracy on unseen pairs, against the truth") {
    @Override
    double of(Trained model) {
      return accuracy(model, model.data().heldOut());
    }
  },

  WORST_GROUP("the same in the group where it is lowest") {
    @Override
    double of(Trained model) {
      Map<String, List<Judged>> groups =
          model.data().heldOut().stream().collect(Collectors.groupingBy(Judged::group));
      return groups.values().stream()
          .mapToDouble(group -> accuracy(model, group))
          .min()
          .orElseThrow();
    }
  },

  ORDER("rank correlation of margins and true gaps, unseen pairs") {
    @Override
    double of(Trained model) {
      List<Judged> pairs = model.data().heldOut();
      return spearman(model.margins(pairs), pairs.stream().mapToDouble(Judged::gap).toArray());
    }
  },

  CHOSEN("log-ratio of the chosen answers trained on, nats") {
    @Override
    double of(Trained model) {
      return mean(model.shifts(better(model)));
    }
  },

  BOTH_WAYS("the smaller of: rise of the chosen, fall of the rejected answers trained on, nats") {
    @Override
    double of(Trained model) {
      double rejected =
          mean(model.shifts(model.data().labelled().stream().map(Judged::worse).toList()));
      return Math.min(mean(model.shifts(better(model))), -rejected);
    }
  },

  TOKEN_MARGIN("mean margin per token of the pairs trained on, nats") {
    @Override
    double of(Trained model) {
      List<Judged> pairs = model.data().labelled();
      double[] margins = model.margins(pairs);
      return IntStream.range(0, margins.length)
          .mapToDouble(i -> margins[i] / model.tokens(pairs.get(i).better()))
          .average()
          .orElseThrow();
    }
  },

  WIDEST("90 % point of the margins of the pairs trained on, nats") {
    @Override
    double of(Trained model) {
      double[] margins = model.margins(model.data().labelled());
      Arrays.sort(margins);
      return margins[(int) (0.9 * margins.length)];
    }
  },

  LENGTH("letters that drawn answers have more than at the start") {
    @Override
    double of(Trained model) {
      List<String> prompts = prompts(model);
      return meanLength(model.drawn(prompts)) - meanLength(model.drawnAtStart(prompts));
    }

    private double meanLength(List<String> answers) {
      return answers.stream().mapToInt(String::length).average().orElseThrow();
    }
  },

  UTILITY("true utility of drawn answers") {
    @Override
    double of(Trained model) {
      List<String> prompts = prompts(model);
      List<String> answers = model.drawn(prompts);
      return IntStream.range(0, answers.size())
          .mapToDouble(i -> model.data().world().utility(prompts.get(i), answers.get(i)))
          .average()
          .orElseThrow();
    }
  },

  NLL("cross-entropy of unseen clean answers, nats per token") {
    @Override
    double of(Trained model) {
      return model.negativeLogProb(model.data().heldOut().stream().map(Judged::better).toList());
    }
  },

  MASK_SHARE("share of the mask that lies on the third of seven tokens, unseen answers") {
    @Override
    double of(Trained model) {
      double there = 0;
      double all = 0;
      for (float[] mask : model.masks(unseen(model))) {
        there += mask[2];
        all += Preparation.sum(mask);
      }
      return all > 0 ? there / all : 0;
    }
  },

  MASK_ZEROS("share of tokens whose mask is exactly 0, unseen answers") {
    @Override
    double of(Trained model) {
      int zeros = 0;
      int tokens = 0;
      for (float[] mask : model.masks(unseen(model))) {
        for (float value : mask) {
          zeros += value == 0 ? 1 : 0;
        }
        tokens += mask.length;
      }
      return (double) zeros / tokens;
    }
  },

  DEGREES("share of unseen answers of which the side task tells how much was deleted") {
    @Override
    double of(Trained model) {
      return model.reported("degree_accuracy");
    }
  },

  OFFSET("distance of the mean score from 0, unseen answers") {
    @Override
    double of(Trained model) {
      return Math.abs(mean(model.shifts(unseen(model))));
    }
  };

  private final String text;

  Measure(String text) {
    this.text = text;
  }

  abstract double of(Trained model);

  /** What is measured, in words. */
  String text() {
    return text;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private static List<Side> better(Trained model) {
    return model.data().labelled().stream().map(Judged::better).toList();
  }

  private static List<Side> unseen(Trained model) {
    return model.data().heldOut().stream()
        .flatMap(pair -> Stream.of(pair.better(), pair.worse()))
        .toList();
  }

  private static List<String> prompts(Trained model) {
    return model.data().heldOut().stream().map(pair -> pair.better().prompt()).toList();
  }

  /** A tie counts half. */
  private static double accuracy(Trained model, List<Judged> pairs) {
    return Arrays.stream(model.margins(pairs))
        .map(margin -> margin > 0 ? 1 : margin < 0 ? 0 : 0.5)
        .average()
        .orElseThrow();
  }

  private static double mean(double[] numbers) {
    return Arrays.stream(numbers).average().orElseThrow();
  }

  /** The correlation of the ranks; ties have their mean rank. */
  static double spearman(double[] one, double[] other) {
    double[] x = ranks(one);
    double[] y = ranks(other);
    double meanX = mean(x);
    double meanY = mean(y);
    double product = 0;
    double squaresX = 0;
    double squaresY = 0;
    for (int i = 0; i < x.length; i++) {
      product += (x[i] - meanX) * (y[i] - meanY);
      squaresX += (x[i] - meanX) * (x[i] - meanX);
      squaresY += (y[i] - meanY) * (y[i] - meanY);
    }
    return product / Math.sqrt(squaresX * squaresY);
  }

  private static double[] ranks(double[] values) {
    int[] order =
        IntStream.range(0, values.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> values[i]))
            .mapToInt(Integer::intValue)
            .toArray();
    double[] ranks = new double[values.length];
    for (int from = 0; from < order.length; ) {
      int to = from;
      while (to < order.length && values[order[to]] == values[order[from]]) {
        to++;
      }
      for (int i = from; i < to; i++) {
        ranks[order[i]] = (from + to - 1) / 2.0;
      }
      from = to;
    }
    return ranks;
  }
}
