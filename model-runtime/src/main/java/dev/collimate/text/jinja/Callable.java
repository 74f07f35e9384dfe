package dev.collimate.text.jinja;

/** A value that can be called: a method bound to its object, a macro, a global function. */
interface Callable {
  Object call(Arguments arguments);
}
