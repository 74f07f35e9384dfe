package dev.collimate.train;

import java.io.IOException;

/**
 * A file of a checkpoint is missing, short, unreadable or has another checksum. Other IOExceptions
 * say that the file system does not answer, and nothing of the file.
 */
final class DamagedFileException extends IOException {

  private static final long serialVersionUID = 1;

  DamagedFileException(String sentence) {
    super(sentence);
  }

  DamagedFileException(String sentence, Throwable cause) {
    super(sentence, cause);
  }
}
