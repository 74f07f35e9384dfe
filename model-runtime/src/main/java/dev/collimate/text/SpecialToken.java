package dev.collimate.text;

/** A token with a role of its own, such as the one that ends a text. */
public record SpecialToken(String text, int id) {}
