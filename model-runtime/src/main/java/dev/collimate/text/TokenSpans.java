package dev.collimate.text;

/**
 * The tokens of a text with the characters that they stand for. A character whose bytes fall into
 * several tokens belongs to each of them.
 *
 * @param ids token ids
 * @param starts first code point of each token
 * @param ends one past the last code point of each token
 */
public record TokenSpans(int[] ids, int[] starts, int[] ends) {}
