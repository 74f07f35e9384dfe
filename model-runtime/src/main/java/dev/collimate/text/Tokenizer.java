package dev.collimate.text;

import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.collimate.CollimateException;
import dev.collimate.files.Folder;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A Hugging Face tokenizer, as {@code tokenizer.json} describes it. It never truncates and never
 * pads, whatever the file says: lengths are the caller's business. May be used by several threads.
 *
 * <p>The native library is called directly: DJL's own wrapper fetches token texts, word ids and
 * masks for every text, lower-cases and cleans up by the configuration, and reports its use over
 * the network.
 */
public final class Tokenizer implements AutoCloseable {

  private static final int SHOWN_CHARACTERS = 40;

  private final TokenizerFiles files;
  private final String location;
  private long handle;

  private Tokenizer(TokenizerFiles files, String location, long handle) {
    this.files = files;
    this.location = location;
    this.handle = handle;
  }

  /**
   * Loads the tokenizer of a model folder.
   *
   * @throws CollimateException of kind DATA where the folder has no {@code tokenizer.json}, or one
   *     that cannot be read
   */
  public static Tokenizer load(Folder folder) throws IOException {
    TokenizerFiles files = TokenizerFiles.read(folder);
    loadNativeLibrary();
    long handle;
    try {
      handle = TokenizersLibrary.LIB.createTokenizerFromString(files.json());
    } catch (RuntimeException e) {
      throw new CollimateException(
          CollimateException.Kind.DATA,
          "tokenizer.json in %s is not accepted by the tokenizers library: %s"
              .formatted(folder.location(), e.getMessage()),
          e);
    }
    TokenizersLibrary.LIB.disableTruncation(handle);
    TokenizersLibrary.LIB.disablePadding(handle);
    return new Tokenizer(files, folder.location(), handle);
  }

  private static void loadNativeLibrary() {
    // Offline, the library that comes with the jar is taken; else a CUDA build would be downloaded.
    if (System.getProperty("ai.djl.offline") == null) {
      System.setProperty("ai.djl.offline", "true");
    }
    LibUtils.checkStatus();
  }

  /** The ids of a text as it is, without the tokenizer's special tokens around it. */
  public int[] encode(String text) {
    return ids(text, false);
  }

  /** The ids of a text with the special tokens that the tokenizer puts around one (BOS, EOS). */
  public int[] encodeWithSpecialTokens(String text) {
    return ids(text, true);
  }

  /** How many special tokens the tokenizer puts after a text (EOS, [SEP]). */
  int specialTokensAfterText() {
    if (files.specialTokens().isEmpty()) {
      return 0;
    }
    // A special token is a text that every vocabulary has.
    String text = files.specialTokens().values().iterator().next().text();
    long encoding = nativeEncoding(text, true);
    try {
      long[] mask = TokenizersLibrary.LIB.getSpecialTokenMask(encoding);
      int after = 0;
      while (after < mask.length && mask[mask.length - 1 - after] != 0) {
        after++;
      }
      return after;
    } finally {
      TokenizersLibrary.LIB.deleteEncoding(encoding);
    }
  }

  private int[] ids(String text, boolean addSpecialTokens) {
    long encoding = nativeEncoding(text, addSpecialTokens);
    try {
      return toInts(TokenizersLibrary.LIB.getTokenIds(encoding));
    } finally {
      TokenizersLibrary.LIB.deleteEncoding(encoding);
    }
  }

  /** The ids of a text, without special tokens around it, and the characters of each token. */
  public TokenSpans encodeWithSpans(String text) {
    long encoding = nativeEncoding(text, false);
    try {
      int[] ids = toInts(TokenizersLibrary.LIB.getTokenIds(encoding));
      CharSpan[] spans = TokenizersLibrary.LIB.getTokenCharSpans(encoding);
      int[] starts = new int[ids.length];
      int[] ends = new int[ids.length];
      for (int i = 0; i < ids.length; i++) {
        if (spans[i] != null) {
          starts[i] = spans[i].getStart();
          ends[i] = spans[i].getEnd();
        }
      }
      return new TokenSpans(ids, starts, ends);
    } finally {
      TokenizersLibrary.LIB.deleteEncoding(encoding);
    }
  }

  private long nativeEncoding(String text, boolean addSpecialTokens) {
    int lone = loneSurrogate(text);
    if (lone >= 0) {
      // Java's half characters have no UTF-8; the library would garble the whole text.
      throw CollimateException.data(
          "text has half a character (lone surrogate U+%04X) at position %d, which no tokenizer can encode"
              .formatted((int) text.charAt(lone), lone));
    }
    long open = openHandle();
    try {
      return TokenizersLibrary.LIB.encode(open, text, addSpecialTokens);
    } catch (RuntimeException e) {
      int shown = Math.min(SHOWN_CHARACTERS, text.codePointCount(0, text.length()));
      throw new CollimateException(
          CollimateException.Kind.DATA,
          "the tokenizer of %s cannot encode the text that begins with '%s': %s"
              .formatted(
                  location, text.substring(0, text.offsetByCodePoints(0, shown)), e.getMessage()),
          e);
    }
  }

  /** Position of the first surrogate without its other half, or -1. */
  static int loneSurrogate(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        boolean paired =
            Character.isHighSurrogate(c)
                && i + 1 < text.length()
                && Character.isLowSurrogate(text.charAt(i + 1));
        if (!paired) {
          return i;
        }
        i++;
      }
    }
    return -1;
  }

  /** The text of ids, special tokens included. */
  public String decode(int[] ids) {
    return text(ids, false);
  }

  /** The text of ids, special tokens left out. */
  public String decodeSkippingSpecialTokens(int[] ids) {
    return text(ids, true);
  }

  private String text(int[] ids, boolean skipSpecialTokens) {
    long[] wide = new long[ids.length];
    for (int i = 0; i < ids.length; i++) {
      wide[i] = ids[i];
    }
    return TokenizersLibrary.LIB.decode(openHandle(), wide, skipSpecialTokens);
  }

  /** The special token of a role ({@code eos_token}, {@code bos_token}, ...), if there is one. */
  public Optional<SpecialToken> specialToken(String role) {
    return Optional.ofNullable(files.specialTokens().get(role));
  }

  public OptionalInt eosId() {
    return id("eos_token");
  }

  public OptionalInt bosId() {
    return id("bos_token");
  }

  public OptionalInt padId() {
    return id("pad_token");
  }

  private OptionalInt id(String role) {
    return specialToken(role)
        .map(token -> OptionalInt.of(token.id()))
        .orElseGet(OptionalInt::empty);
  }

  /**
   * The chat template, if there is one.
   *
   * @throws CollimateException of kind DATA where the template cannot be parsed
   */
  public Optional<ChatTemplate> chatTemplate() {
    if (files.chatTemplates().isEmpty()) {
      return Optional.empty();
    }
    Map<String, String> texts = new HashMap<>();
    files.specialTokens().forEach((role, token) -> texts.put(role, token.text()));
    return Optional.of(ChatTemplate.parse(files.chatTemplates(), texts, location));
  }

  /** Where it was loaded from, for messages. */
  public String location() {
    return location;
  }

  private long openHandle() {
    if (handle == 0) {
      throw new IllegalStateException("the tokenizer of " + location + " is closed");
    }
    return handle;
  }

  private static int[] toInts(long[] values) {
    int[] ints = new int[values.length];
    for (int i = 0; i < values.length; i++) {
      ints[i] = (int) values[i];
    }
    return ints;
  }

  /** Frees the native tokenizer; no other call may be under way. */
  @Override
  public void close() {
    if (handle != 0) {
      TokenizersLibrary.LIB.deleteTokenizer(handle);
      handle = 0;
    }
  }
}
