package dev.collimate.data;

import dev.collimate.storage.DigestingStream;
import java.io.IOException;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;

/** A file whose checksum is taken while Parquet writes it. */
public final class DigestingOutputFile implements OutputFile {

  private final FileSystem fileSystem;
  private final Path path;
  private DigestingStream out;

  public DigestingOutputFile(FileSystem fileSystem, Path path) {
    this.fileSystem = fileSystem;
    this.path = path;
  }

  /** Length of what was written; after {@code create}. */
  public long bytes() {
    return out.bytes();
  }

  /** SHA-256 of what was written, hexadecimal; once, after the file is closed. */
  public String sha256() {
    return out.sha256();
  }

  @Override
  public PositionOutputStream create(long blockSizeHint) throws IOException {
    return createOrOverwrite(blockSizeHint);
  }

  @Override
  public PositionOutputStream createOrOverwrite(long blockSizeHint) throws IOException {
    out = new DigestingStream(fileSystem.create(path, /* overwrite= */ true));
    return new PositionOutputStream() {
      @Override
      public long getPos() {
        return out.bytes();
      }

      @Override
      public void write(int value) throws IOException {
        out.write(value);
      }

      @Override
      public void write(byte[] buffer, int offset, int length) throws IOException {
        out.write(buffer, offset, length);
      }

      @Override
      public void close() throws IOException {
        out.close();
      }
    };
  }

  @Override
  public boolean supportsBlockSize() {
    return false;
  }

  @Override
  public long defaultBlockSize() {
    return 0;
  }
}
