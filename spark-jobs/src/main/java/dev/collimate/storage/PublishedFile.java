package dev.collimate.storage;

import java.io.Serializable;

/**
 * A file of a published directory as its manifest lists it.
 *
 * @param name relative to the directory
 * @param bytes its length
 * @param sha256 of its content, hexadecimal
 */
public record PublishedFile(String name, long bytes, String sha256) implements Serializable {}
