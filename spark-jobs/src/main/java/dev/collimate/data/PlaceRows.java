package dev.collimate.data;

import dev.collimate.text.Example;
import java.io.Serializable;
import java.util.Iterator;
import scala.Tuple2;

/**
 * Gives rows their final keys and places. Rows of one key arrive together and in input order: rows
 * known by content are numbered, of rows with one id the first stays.
 *
 * @param shuffle whether training order is by hash, else by input
 * @param seed of the order
 * @param evalSources number of the first source of held-out rows
 * @param evalFraction part of the other rows that is held out
 */
record PlaceRows(boolean shuffle, long seed, int evalSources, double evalFraction)
    implements Serializable {

  static final String DUPLICATE_ID = "duplicate_id";

  /** Where a row goes. Rows sort by the letter first. */
  enum Place {
    TRAIN('a'),
    EVAL('b'),
    LEFT_OUT('c'),
    NOWHERE('d');

    private final char letter;

    Place(char letter) {
      this.letter = letter;
    }

    private static Place of(char letter) {
      for (Place place : values()) {
        if (place.letter == letter) {
          return place;
        }
      }
      throw new IllegalArgumentException("no place has the letter " + letter);
    }
  }

  /** A row with its place. */
  record Placed(Place place, CheckedRow row) {}

  Iterator<Placed> place(Iterator<Tuple2<String, byte[]>> rows) {
    return new Iterator<>() {
      private String lastKey = "";
      private int occurrence;

      @Override
      public boolean hasNext() {
        return rows.hasNext();
      }

      @Override
      public Placed next() {
        Tuple2<String, byte[]> next = rows.next();
        String key = next._1().substring(0, Digest128.BYTES);
        occurrence = key.equals(lastKey) ? occurrence + 1 : 1;
        lastKey = key;
        return placed(RowCodec.decode(next._2()), occurrence);
      }
    };
  }

  private Placed placed(CheckedRow row, int occurrence) {
    if (row instanceof CheckedRow.Blank) {
      return new Placed(Place.NOWHERE, row);
    }
    if (!(row instanceof CheckedRow.Ready ready)) {
      return new Placed(Place.LEFT_OUT, row);
    }
    Example example = ready.example();
    // Copies of a row and the sides of a pair stay together: the fraction is drawn without the
    // occurrence number and the side.
    String drawn =
        row.origin().side() == 0
            ? example.key()
            : example.key().substring(0, example.key().lastIndexOf('#'));
    Place place =
        row.origin().source() >= evalSources || isHeldOut(drawn) ? Place.EVAL : Place.TRAIN;
    if (!ready.keyed()) {
      Example numbered =
          new Example(
              example.key() + "-" + occurrence,
              example.contentHash(),
              example.weight(),
              example.sequences(),
              example.scalars());
      return new Placed(
          place,
          new CheckedRow.Ready(
              row.origin(), numbered, false, ready.categories(), ready.notes(), ready.row()));
    }
    if (occurrence > 1) {
      return new Placed(
          Place.LEFT_OUT,
          new CheckedRow.LeftOut(
              row.origin(),
              CheckedRow.Outcome.QUARANTINED,
              DUPLICATE_ID,
              "the id '%s' is taken by an earlier row".formatted(example.key()),
              ready.row()));
    }
    return new Placed(place, row);
  }

  private boolean isHeldOut(String key) {
    double draw = (Digest128.of("eval " + key).high() >>> 11) * 0x1p-53;
    return draw < evalFraction;
  }

  /** Orders rows by place, then as the place wants. */
  String sortKey(Placed placed) {
    char place = placed.place().letter;
    if (placed.place() == Place.TRAIN && shuffle) {
      Digest128 key = Digest128.of(((CheckedRow.Ready) placed.row()).example().key());
      return place + SortKey.ofRank(RowOrder.rank(seed, 0, key), key);
    }
    return place + SortKey.ofOrigin(placed.row().origin());
  }

  static Place placeOf(String sortKey) {
    return Place.of(sortKey.charAt(0));
  }
}
