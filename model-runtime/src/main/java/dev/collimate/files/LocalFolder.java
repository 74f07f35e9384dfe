package dev.collimate.files;

import dev.collimate.CollimateException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A directory of the local file system. */
public record LocalFolder(Path directory) implements Folder {

  /** Smaller files are read by system calls; a mapping would cost more than it saves. */
  private static final long MAPPED_FROM_BYTES = 1 << 20;

  /** A directory that must exist; CollimateException of kind DATA where it does not. */
  public static LocalFolder existing(Path directory) {
    if (!Files.isDirectory(directory)) {
      throw CollimateException.data(
          "'%s' is not a directory; a model folder's path is expected".formatted(directory));
    }
    return new LocalFolder(directory);
  }

  @Override
  public String location() {
    return directory.toString();
  }

  @Override
  public List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> file.getFileName().toString())
          .sorted()
          .toList();
    }
  }

  @Override
  public boolean contains(String name) {
    return Files.isRegularFile(directory.resolve(name));
  }

  @Override
  public File open(String name) throws IOException {
    Path path = directory.resolve(name);
    if (!Files.isRegularFile(path)) {
      throw new NoSuchFileException(path.toString());
    }
    FileChannel channel = FileChannel.open(path);
    return channel.size() < MAPPED_FROM_BYTES
        ? new LocalFile(path, channel)
        : new MappedFile(path, channel);
  }

  private record LocalFile(Path path, FileChannel channel) implements File {

    @Override
    public long length() throws IOException {
      return channel.size();
    }

    @Override
    public void read(long position, ByteBuffer into) throws IOException {
      while (into.hasRemaining()) {
        int count = channel.read(into, position);
        if (count < 0) {
          throw new EOFException(
              "'%s' ends at byte %d, %d more were wanted"
                  .formatted(path, channel.size(), into.remaining()));
        }
        position += count;
      }
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
