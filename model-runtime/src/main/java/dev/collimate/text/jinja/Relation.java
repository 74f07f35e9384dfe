package dev.collimate.text.jinja;

/** The comparison operators. */
enum Relation {
  EQUAL {
    @Override
    boolean holds(Object left, Object right) {
      return Values.equal(left, right);
    }
  },
  NOT_EQUAL {
    @Override
    boolean holds(Object left, Object right) {
      return !Values.equal(left, right);
    }
  },
  LESS {
    @Override
    boolean holds(Object left, Object right) {
      return Values.compare(left, right) < 0;
    }
  },
  LESS_OR_EQUAL {
    @Override
    boolean holds(Object left, Object right) {
      return Values.compare(left, right) <= 0;
    }
  },
  GREATER {
    @Override
    boolean holds(Object left, Object right) {
      return Values.compare(left, right) > 0;
    }
  },
  GREATER_OR_EQUAL {
    @Override
    boolean holds(Object left, Object right) {
      return Values.compare(left, right) >= 0;
    }
  },
  IN {
    @Override
    boolean holds(Object left, Object right) {
      return Values.contains(right, left);
    }
  },
  NOT_IN {
    @Override
    boolean holds(Object left, Object right) {
      return !Values.contains(right, left);
    }
  };

  abstract boolean holds(Object left, Object right);
}
