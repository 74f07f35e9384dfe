package dev.collimate.text.jinja;

/** An object of the interpreter with attributes of its own, such as {@code loop}. */
interface Attributes {

  /** What stands for no attribute: Java's null is None, which an attribute may hold. */
  Object ABSENT = new Object();

  /** The attribute, or {@link #ABSENT} where there is none of that name. */
  Object attribute(String name);
}
