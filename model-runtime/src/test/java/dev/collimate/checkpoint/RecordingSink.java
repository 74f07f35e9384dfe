package dev.collimate.checkpoint;

import dev.collimate.files.FolderSink;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;

/** Notes the order in which files are created. */
final class RecordingSink implements FolderSink {

  private final FolderSink sink;
  private final List<String> created = new ArrayList<>();

  RecordingSink(FolderSink sink) {
    this.sink = sink;
  }

  List<String> created() {
    return created;
  }

  @Override
  public String location() {
    return sink.location();
  }

  @Override
  public OutputStream create(String name) throws IOException {
    created.add(name);
    return sink.create(name);
  }
}
