package dev.collimate.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.collimate.files.Folder;
import dev.collimate.files.FolderSink;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Writes the parts of a model folder in the order in which they may appear: config.json last. */
final class FolderWriter {

  /** Shards hold at most this much, as transformers' do. */
  static final long MAX_SHARD_BYTES = 5_000_000_000L;

  private static final Pattern TOKENIZER_FILES =
      Pattern.compile(
          "tokenizer.*|special_tokens_map\\.json|added_tokens\\.json|vocab\\.(json|txt)|merges\\.txt"
              + "|spiece\\.model|chat_template\\.(json|jinja)");

  private static final Pattern OTHER_SIDE_FILES =
      Pattern.compile("generation_config\\.json|(LICEN[SC]E|NOTICE)(\\..*)?");

  private static final int CHUNK_BYTES = 1 << 18;

  private final FolderSink sink;
  private final long maxShardBytes;

  FolderWriter(FolderSink sink, long maxShardBytes) {
    this.sink = sink;
    this.maxShardBytes = maxShardBytes;
  }

  /**
   * Writes the weights, in one file or in shards with their index.
   *
   * @param tensors in transformers' order, which decides what shares a shard
   */
  void writeWeights(List<OutTensor> tensors) throws IOException {
    List<List<OutTensor>> shards = shards(tensors);
    if (shards.size() == 1) {
      writeFile("model.safetensors", tensors);
      return;
    }
    TreeMap<String, String> fileOf = new TreeMap<>();
    for (int i = 0; i < shards.size(); i++) {
      String name = "model-%05d-of-%05d.safetensors".formatted(i + 1, shards.size());
      writeFile(name, shards.get(i));
      shards.get(i).forEach(tensor -> fileOf.put(tensor.name(), name));
    }
    ObjectNode index = JsonFile.newObject();
    index
        .putObject("metadata")
        .put("total_size", tensors.stream().mapToLong(OutTensor::bytes).sum());
    ObjectNode weightMap = index.putObject("weight_map");
    fileOf.forEach(weightMap::put);
    sink.write("model.safetensors.index.json", JsonFile.write(index));
  }

  private List<List<OutTensor>> shards(List<OutTensor> tensors) {
    List<List<OutTensor>> shards = new ArrayList<>();
    List<OutTensor> shard = new ArrayList<>();
    long bytes = 0;
    for (OutTensor tensor : tensors) {
      if (!shard.isEmpty() && bytes + tensor.bytes() > maxShardBytes) {
        shards.add(shard);
        shard = new ArrayList<>();
        bytes = 0;
      }
      shard.add(tensor);
      bytes += tensor.bytes();
    }
    shards.add(shard);
    return shards;
  }

  void writeFile(String name, List<OutTensor> tensors) throws IOException {
    try (OutputStream out = sink.create(name)) {
      SafetensorsWriter.write(out, tensors);
    }
  }

  /** Copies what goes with a model: tokenizer, generation settings, licence. */
  void copySideFiles(Folder source) throws IOException {
    copyTokenizer(source);
    copy(source, OTHER_SIDE_FILES);
  }

  /** Copies the files of a tokenizer, its chat template included. */
  void copyTokenizer(Folder source) throws IOException {
    copy(source, TOKENIZER_FILES);
  }

  private void copy(Folder source, Pattern files) throws IOException {
    for (String name : source.names()) {
      if (files.matcher(name).matches()) {
        copy(source, name);
      }
    }
  }

  private void copy(Folder source, String name) throws IOException {
    try (Folder.File file = source.open(name);
        OutputStream out = sink.create(name)) {
      ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES);
      long length = file.length();
      for (long position = 0; position < length; position += CHUNK_BYTES) {
        chunk.clear().limit((int) Math.min(CHUNK_BYTES, length - position));
        file.read(position, chunk);
        out.write(chunk.array(), 0, chunk.position());
      }
    }
  }

  /** Writes config.json; with it the folder is a model. */
  void writeConfig(ObjectNode config) throws IOException {
    sink.write(ModelFolder.CONFIG, JsonFile.write(config));
  }

  /** Notes a dtype under the key that the file uses. */
  static void noteDtype(ObjectNode config, Dtype dtype) {
    config.put(config.has("dtype") ? "dtype" : "torch_dtype", dtype.torchName());
    if (config.has("dtype") && config.has("torch_dtype")) {
      config.put("torch_dtype", dtype.torchName());
    }
  }
}
