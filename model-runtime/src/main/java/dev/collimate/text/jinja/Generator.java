package dev.collimate.text.jinja;

import java.util.Iterator;

/**
 * What {@code map}, {@code select} and the like give: it can be walked once, and is always true.
 */
record Generator(Iterator<Object> items) {}
