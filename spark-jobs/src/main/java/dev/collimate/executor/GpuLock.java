package dev.collimate.executor;

import dev.collimate.CollimateException;
import dev.collimate.nn.ComputeDevice;
import dev.collimate.nn.GpuCard;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A GPU that this process has for itself: a lock on a file named for the card, which ends with the
 * process however it ends. It tells processes that see one another's files, which are those that
 * can be given the same GPU by mistake: containers with GPUs of their own have folders of their
 * own.
 */
record GpuLock(ComputeDevice device, Optional<FileLock> lock) {

  private static final Logger log = LoggerFactory.getLogger(GpuLock.class);

  /** The same for every user and every container of a machine, which java.io.tmpdir is not. */
  private static final Path FOLDER = Path.of("/tmp");

  private static final int LONGEST_HOLDER = 256;

  /**
   * Takes a GPU, for as long as the process lives.
   *
   * @param holder of the lock, for the message of the next
   * @throws CollimateException (resources) where another process has it
   */
  static GpuLock take(ComputeDevice device, String holder) {
    String card = GpuCard.of(device).map(GpuCard::uuid).orElse(device.label().replace(':', '-'));
    Path file = FOLDER.resolve("collimate-" + card + ".lock");
    try {
      FileChannel channel = open(file);
      FileLock lock = channel.tryLock();
      if (lock == null) {
        String other = read(channel);
        channel.close();
        throw CollimateException.resources(
            "%s (%s) is in use by %s on the same machine; let the discovery script give every executor another GPU"
                .formatted(device.label(), card, other));
      }
      write(channel, holder);
      permitAll(file);
      return new GpuLock(device, Optional.of(lock));
    } catch (IOException e) {
      // Who may not write there cannot be told apart from others, but can compute.
      log.warn("Whether {} is used by another process cannot be seen: {}", device.label(), e);
      return new GpuLock(device, Optional.empty());
    }
  }

  private static FileChannel open(Path file) throws IOException {
    // Linux lets nobody create what another user has created there, not even where it may be
    // written.
    return Files.exists(file)
        ? FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)
        : FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  private static void write(FileChannel channel, String holder) throws IOException {
    channel.truncate(0);
    channel.write(ByteBuffer.wrap(holder.getBytes(StandardCharsets.UTF_8)), 0);
  }

  private static String read(FileChannel channel) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(LONGEST_HOLDER);
    channel.read(bytes, 0);
    return bytes.position() == 0
        ? "another process"
        : StandardCharsets.UTF_8.decode(bytes.flip()).toString();
  }

  private static void permitAll(Path file) {
    try {
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
    } catch (IOException | UnsupportedOperationException e) {
      log.debug("{} belongs to another user", file, e);
    }
  }
}
