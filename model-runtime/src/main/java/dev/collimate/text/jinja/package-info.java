/**
 * A sandboxed interpreter of the Jinja language as chat templates use it, with transformers'
 * settings: {@code trim_blocks}, {@code lstrip_blocks}, loop controls, the {@code generation} tag.
 * Values are plain Java: String, Long, Double, Boolean, List, Map and null for Python's None.
 * Nothing is looked up by reflection.
 */
package dev.collimate.text.jinja;
