package dev.collimate.train;

import dev.collimate.learn.LeafResult;
import dev.collimate.storage.PublishedFile;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a replica says of its local steps, beside how far it came.
 *
 * @param steps one each; empty where the replica had no rows
 * @param moments the file of {@link ReplicaStore} that it wrote; empty where moments are not kept
 */
record ReplicaResult(List<Optional<Step>> steps, Optional<PublishedFile> moments) {

  /**
   * One step.
   *
   * @param gradNorm before clipping
   */
  record Step(double gradNorm, LeafResult result) {}

  byte[] toBytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(steps.size());
      for (Optional<Step> step : steps) {
        out.writeBoolean(step.isPresent());
        if (step.isPresent()) {
          out.writeDouble(step.get().gradNorm());
          step.get().result().write(out);
        }
      }
      out.writeBoolean(moments.isPresent());
      if (moments.isPresent()) {
        WorkItem.writeFile(moments.get(), out);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  static ReplicaResult of(byte[] bytes) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      int count = in.readInt();
      List<Optional<Step>> steps = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        steps.add(
            in.readBoolean()
                ? Optional.of(new Step(in.readDouble(), LeafResult.read(in)))
                : Optional.empty());
      }
      Optional<PublishedFile> moments =
          in.readBoolean() ? Optional.of(WorkItem.readFile(in)) : Optional.empty();
      return new ReplicaResult(steps, moments);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
