package dev.collimate.inference;

import java.io.Serializable;

/** Makes a {@link RowTask} on an executor. */
@FunctionalInterface
interface RowWork extends Serializable {
  RowTask open();
}
