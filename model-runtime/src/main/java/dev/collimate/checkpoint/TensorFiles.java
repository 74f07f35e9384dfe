package dev.collimate.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The named tensors of one or several safetensors files, read by position: nothing is loaded until
 * it is asked for, and only as much of it as is asked for. Reads may come from several threads.
 */
public final class TensorFiles implements AutoCloseable {

  /** Bytes per positioned read: on an object store each is a request of its own. */
  static final int CHUNK_BYTES = 1 << 22;

  private final String location;
  private final Map<String, Folder.File> files;
  private final List<SafetensorsHeader> headers;
  private final Map<String, TensorInfo> tensors;

  private TensorFiles(
      String location, Map<String, Folder.File> files, List<SafetensorsHeader> headers) {
    this.location = location;
    this.files = files;
    this.headers = List.copyOf(headers);
    Map<String, TensorInfo> byName = new TreeMap<>();
    for (SafetensorsHeader header : headers) {
      for (TensorInfo tensor : header.tensors().values()) {
        TensorInfo other = byName.put(tensor.name(), tensor);
        if (other != null) {
          throw CollimateException.data(
              "Tensor '%s' in %s stands in both '%s' and '%s', each name may stand once"
                  .formatted(tensor.name(), location, other.file(), tensor.file()));
        }
      }
    }
    tensors = Collections.unmodifiableMap(byName);
  }

  /**
   * Opens the weights of a model folder: {@code model.safetensors}, or the shards that {@code
   * model.safetensors.index.json} names.
   *
   * @throws CollimateException of kind DATA where there are none or they are broken
   */
  public static TensorFiles openModel(Folder folder) {
    return open(folder, "model.safetensors", "pytorch_model");
  }

  /** Opens the weights of a PEFT adapter folder: {@code adapter_model.safetensors}. */
  static TensorFiles openAdapter(Folder folder) {
    return open(folder, "adapter_model.safetensors", "adapter_model");
  }

  private static TensorFiles open(Folder folder, String single, String pickle) {
    try {
      List<String> names = folder.names();
      String index = single + ".index.json";
      if (names.contains(single)) {
        return openFiles(folder, List.of(single));
      }
      if (names.contains(index)) {
        return openShards(folder, index);
      }
      for (String name : names) {
        if (name.startsWith(pickle)
            && (name.endsWith(".bin") || name.endsWith(".bin.index.json"))) {
          throw CollimateException.data(
              "'%s' in %s is a pickle, which can run code and is never loaded; save the weights as safetensors (%s)"
                  .formatted(
                      name,
                      folder.location(),
                      "transformers: model.save_pretrained(folder, safe_serialization=True)"));
        }
      }
      throw CollimateException.data(
          "There is no '%s' and no '%s' in %s".formatted(single, index, folder.location()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static TensorFiles openShards(Folder folder, String index) throws IOException {
    Map<String, String> fileOf = weightMap(folder, index);
    TensorFiles tensors = openFiles(folder, fileOf.values().stream().distinct().sorted().toList());
    for (Map.Entry<String, String> entry : fileOf.entrySet()) {
      TensorInfo tensor = tensors.tensors.get(entry.getKey());
      if (tensor == null || !tensor.file().equals(entry.getValue())) {
        tensors.close();
        throw CollimateException.data(
            "'%s' in %s says that tensor '%s' is in '%s', but %s"
                .formatted(
                    index,
                    folder.location(),
                    entry.getKey(),
                    entry.getValue(),
                    tensor == null ? "it is in no file" : "it is in '" + tensor.file() + "'"));
      }
    }
    return tensors;
  }

  private static Map<String, String> weightMap(Folder folder, String index) {
    JsonNode map = JsonFile.read(folder, index).path("weight_map");
    if (!map.isObject() || map.isEmpty()) {
      throw CollimateException.data(
          "'%s' in %s has no 'weight_map' object from tensor to file"
              .formatted(index, folder.location()));
    }
    Map<String, String> fileOf = new LinkedHashMap<>();
    map.properties()
        .forEach(
            entry -> {
              String file = entry.getValue().asText("");
              if (!file.matches("[^/\\\\:]+\\.safetensors")) {
                throw CollimateException.data(
                    "'%s' in %s puts tensor '%s' into %s, the name of a .safetensors file in the same folder is expected"
                        .formatted(index, folder.location(), entry.getKey(), entry.getValue()));
              }
              fileOf.put(entry.getKey(), file);
            });
    return fileOf;
  }

  private static TensorFiles openFiles(Folder folder, List<String> names) throws IOException {
    Map<String, Folder.File> files = new LinkedHashMap<>();
    List<SafetensorsHeader> headers = new ArrayList<>();
    try {
      for (String name : names) {
        Folder.File file = open(folder, name);
        files.put(name, file);
        headers.add(SafetensorsHeader.read(folder, name, file));
      }
      return new TensorFiles(folder.location(), files, headers);
    } catch (IOException | RuntimeException e) {
      try {
        closeAll(files.values());
      } catch (IOException failure) {
        e.addSuppressed(failure);
      }
      throw e;
    }
  }

  /** Closes every file, whatever becomes of the others; throws the first failure at the end. */
  private static void closeAll(Collection<Folder.File> files) throws IOException {
    IOException first = null;
    for (Folder.File file : files) {
      try {
        file.close();
      } catch (IOException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }

  private static Folder.File open(Folder folder, String name) throws IOException {
    try {
      return folder.open(name);
    } catch (NoSuchFileException e) {
      throw new CollimateException(
          CollimateException.Kind.DATA,
          "'%s' is missing in %s, the index of the weights names it"
              .formatted(name, folder.location()),
          e);
    }
  }

  /** All tensor names, sorted. */
  public Set<String> names() {
    return tensors.keySet();
  }

  public boolean contains(String name) {
    return tensors.containsKey(name);
  }

  /** The stored shape; empty for a scalar. */
  public List<Long> shape(String name) {
    return info(name).shape();
  }

  public Dtype dtype(String name) {
    return info(name).dtype();
  }

  /** Number of elements. */
  public long elements(String name) {
    return info(name).elements();
  }

  /** Bytes of all tensors together. */
  public long bytes() {
    return tensors.values().stream().mapToLong(TensorInfo::bytes).sum();
  }

  /**
   * Reads {@code into.remaining()} elements from {@code firstElement} on, widened to float32
   * exactly.
   *
   * @throws CollimateException of kind DATA where the tensor is missing or is not F32, F16 or BF16
   */
  public void readFloat32(String name, long firstElement, FloatBuffer into) {
    TensorInfo tensor = info(name);
    Dtype dtype = tensor.dtype();
    if (!dtype.isWeight()) {
      throw CollimateException.data(
          "Tensor '%s' of '%s' in %s is %s, weights must be F32, F16 or BF16"
              .formatted(name, tensor.file(), location, dtype));
    }
    int chunkElements = Math.min(CHUNK_BYTES / dtype.bytes(), Math.max(1, into.remaining()));
    ByteBuffer chunk =
        ByteBuffer.allocate(chunkElements * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    int end = into.limit();
    long element = firstElement;
    while (into.position() < end) {
      int count = Math.min(chunkElements, end - into.position());
      chunk.clear().limit(count * dtype.bytes());
      read(tensor, element * dtype.bytes(), chunk);
      chunk.flip();
      into.limit(into.position() + count);
      dtype.widen(chunk, into);
      element += count;
    }
    into.limit(end);
  }

  /** Reads a tensor whole; for small ones, at most 2^31 - 1 elements. */
  public float[] readFloat32(String name) {
    float[] values = new float[Math.toIntExact(elements(name))];
    readFloat32(name, 0, FloatBuffer.wrap(values));
    return values;
  }

  /**
   * Fills the buffer's remaining space with the tensor's stored bytes from {@code firstByte} on.
   */
  public void readBytes(String name, long firstByte, ByteBuffer into) {
    read(info(name), firstByte, into);
  }

  private void read(TensorInfo tensor, long firstByte, ByteBuffer into) {
    if (firstByte < 0 || firstByte + into.remaining() > tensor.bytes()) {
      throw new IndexOutOfBoundsException(
          "bytes [%d, %d) of tensor '%s', which has %d"
              .formatted(firstByte, firstByte + into.remaining(), tensor.name(), tensor.bytes()));
    }
    try {
      files.get(tensor.file()).read(tensor.position() + firstByte, into);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "Cannot read tensor '%s' of '%s' in %s".formatted(tensor.name(), tensor.file(), location),
          e);
    }
  }

  private TensorInfo info(String name) {
    TensorInfo tensor = tensors.get(name);
    if (tensor == null) {
      throw CollimateException.data(
          "Tensor '%s' is missing in %s, which holds %d others"
              .formatted(name, location, tensors.size()));
    }
    return tensor;
  }

  List<SafetensorsHeader> headers() {
    return headers;
  }

  @Override
  public void close() {
    try {
      closeAll(files.values());
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot close the weights in " + location, e);
    }
  }
}
