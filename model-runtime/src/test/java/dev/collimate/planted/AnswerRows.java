package dev.collimate.planted;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Rows in which parts of an answer matter, or several answers. */
final class AnswerRows {

  /** Standard deviation of what grades err by. */
  private static final double NOISE = 0.5;

  private AnswerRows() {}

  /** Pairs that are judged by two marked letters on either side. */
  static void marked(Draw draw, int pairs) {
    for (int i = 0; i < pairs; i++) {
      String prompt = draw.prompt();
      String one = draw.letters(World.LENGTH);
      String other = draw.letters(World.LENGTH);
      int ofOne = draw.between(0, World.LENGTH - 2);
      int ofOther = draw.between(0, World.LENGTH - 2);
      double gap =
          draw.gap(prompt, one.substring(ofOne, ofOne + 2), other.substring(ofOther, ofOther + 2));
      boolean isOne = draw.happens(World.sigmoid(World.SHARPNESS * gap));
      draw.pair(isOne ? Judged.of(prompt, one, other, gap) : Judged.of(prompt, other, one, -gap));
      Map<String, Object> row = draw.rows().get(i);
      row.put("chosen_marks", twoFrom(isOne ? ofOne : ofOther));
      row.put("rejected_marks", twoFrom(isOne ? ofOther : ofOne));
    }
    draw.holdOut(() -> draw.truth(draw.prompt()));
  }

  private static List<List<Integer>> twoFrom(int place) {
    return List.of(List.of(place, place + 2));
  }

  /** Lists of four graded answers; the first two are a pair too, labelled by their grades. */
  static void lists(Draw draw, int lists) {
    for (int i = 0; i < lists; i++) {
      String prompt = draw.prompt();
      List<String> responses = IntStream.range(0, 4).mapToObj(j -> draw.letters(6)).toList();
      List<Double> grades = new ArrayList<>();
      for (String response : responses) {
        grades.add(draw.world().utility(prompt, response) + NOISE * draw.normal());
      }
      draw.lists().add(Map.of("prompt", prompt, "responses", responses, "grades", grades));
      double gap = grades.get(0) - grades.get(1);
      String one = responses.get(0);
      String other = responses.get(1);
      draw.pair(gap > 0 ? Judged.of(prompt, one, other, gap) : Judged.of(prompt, other, one, -gap));
    }
  }

  /** Adds to all rows weaker versions of both answers. */
  static void degrade(Draw draw) {
    for (List<Map<String, Object>> rows : List.of(draw.rows(), draw.unseen())) {
      for (Map<String, Object> row : rows) {
        for (String side : List.of("chosen", "rejected")) {
          String answer = row.get(side).toString();
          for (int level = 1; level <= 2; level++) {
            answer = draw.withoutBest(row.get("prompt").toString(), answer);
            row.put(side + "_degraded_" + level, answer);
          }
        }
      }
    }
  }

  /** A pair of one answer, of whose letters the third is another one. */
  static Judged toxic(Draw draw) {
    String start = draw.letters(2);
    String end = draw.letters(World.LENGTH - 3);
    return Judged.of(
        draw.prompt(), start + draw.letters(1) + end, start + World.ALIEN.charAt(0) + end, 1);
  }
}
