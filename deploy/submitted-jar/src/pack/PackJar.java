import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Puts the relocated classes into a copy of the jar of native libraries.
 *
 * <p>The JDK's zip file system keeps the entries of the jar it opens as they are, so half a gigabyte
 * of libtorch is not compressed anew with every build; the shade plugin would spend half a minute on
 * it.
 */
final class PackJar {
  public static void main(String[] args) throws IOException {
    Path natives = Path.of(args[0]);
    Path classes = Path.of(args[1]);
    Path target = Path.of(args[2]);
    Path unfinished = target.resolveSibling(target.getFileName() + ".part");
    Files.createDirectories(target.getParent());
    Files.copy(natives, unfinished, StandardCopyOption.REPLACE_EXISTING);
    try (FileSystem from = FileSystems.newFileSystem(classes);
        FileSystem to = FileSystems.newFileSystem(unfinished, Map.of("create", "false"));
        Stream<Path> entries = Files.walk(from.getPath("/"))) {
      for (Path entry : (Iterable<Path>) entries::iterator) {
        Path copy = to.getPath(entry.toString());
        if (Files.isDirectory(entry)) {
          Files.createDirectories(copy);
        } else {
          Files.copy(
              entry, copy, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
        }
      }
    }
    Files.move(unfinished, target, StandardCopyOption.REPLACE_EXISTING);
  }
}
