package dev.collimate.text.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** The {@code loop} variable of a for-loop. */
final class Loop implements Attributes, Callable {

  /** Renders a recursive loop's body over inner items. */
  interface Recursion {
    String render(Object items);
  }

  private static final Object NOTHING = new Object();

  private final Object items;
  private final int depth;
  private final Recursion recursion;
  private Iterator<Object> iterator;
  private long index = -1;
  private long length = -1;
  private Object before = NOTHING;
  private Object current = NOTHING;
  private Object after = NOTHING;
  private List<Object> lastChanged;

  /**
   * A loop before its first round.
   *
   * @param items what is looped over, for its length
   * @param iterator the same, one by one
   * @param recursion null for a loop that is not recursive
   */
  Loop(Object items, Iterator<Object> iterator, int depth, Recursion recursion) {
    this.items = items;
    this.iterator = iterator;
    this.depth = depth;
    this.recursion = recursion;
  }

  /** Goes to the next item; false where there is none. */
  boolean advance() {
    Object next = peek();
    if (next == NOTHING) {
      return false;
    }
    after = NOTHING;
    before = current;
    current = next;
    index++;
    return true;
  }

  Object current() {
    return current;
  }

  private Object peek() {
    if (after == NOTHING && iterator.hasNext()) {
      after = iterator.next();
    }
    return after;
  }

  private long length() {
    if (length < 0) {
      if (items instanceof Generator) {
        List<Object> rest = new ArrayList<>();
        iterator.forEachRemaining(rest::add);
        iterator = rest.iterator();
        length = rest.size() + index + 1 + (after == NOTHING ? 0 : 1);
      } else {
        length = Values.length(items);
      }
    }
    return length;
  }

  @Override
  public Object attribute(String name) {
    return switch (name) {
      case "index" -> index + 1;
      case "index0" -> index;
      case "revindex" -> length() - index;
      case "revindex0" -> length() - index - 1;
      case "first" -> index == 0;
      case "last" -> peek() == NOTHING;
      case "length" -> length();
      case "depth" -> depth + 1L;
      case "depth0" -> (long) depth;
      case "previtem" -> before == NOTHING ? new Undefined("there is no previous item") : before;
      case "nextitem" -> peek() == NOTHING ? new Undefined("there is no next item") : peek();
      case "cycle" -> (Callable) this::cycle;
      case "changed" -> (Callable) this::changed;
      default -> ABSENT;
    };
  }

  private Object cycle(Arguments arguments) {
    List<Object> values = arguments.positional();
    if (values.isEmpty()) {
      throw new TemplateException("no items for cycling given");
    }
    return values.get((int) (index % values.size()));
  }

  private Object changed(Arguments arguments) {
    boolean isSame = lastChanged != null && Values.equal(lastChanged, arguments.positional());
    lastChanged = arguments.positional();
    return !isSame;
  }

  @Override
  public Object call(Arguments arguments) {
    if (recursion == null) {
      throw new TemplateException("the loop must have the 'recursive' marker to be called");
    }
    return recursion.render(arguments.bind("loop", "iterable").required(0));
  }
}
