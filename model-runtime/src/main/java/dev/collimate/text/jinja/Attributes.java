package dev.collimate.text.jinja;

/** An object of the interpreter with attributes of its own, such as {@code loop}. */
interface Attributes {

  /** The attribute, or Java's null where there is none of that name. */
  Object attribute(String name);
}
