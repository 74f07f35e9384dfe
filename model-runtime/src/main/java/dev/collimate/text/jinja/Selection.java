package dev.collimate.text.jinja;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Predicate;

/** The items that pass a test; each is tested when it is asked for, not before. */
final class Selection implements Iterator<Object> {

  private final Iterator<Object> all;
  private final Predicate<Object> test;
  private Object next;
  private boolean isReady;

  Selection(Iterator<Object> all, Predicate<Object> test) {
    this.all = all;
    this.test = test;
  }

  @Override
  public boolean hasNext() {
    while (!isReady && all.hasNext()) {
      next = all.next();
      isReady = test.test(next);
    }
    return isReady;
  }

  @Override
  public Object next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    isReady = false;
    return next;
  }
}
