package dev.collimate.config;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A key of the run file, declared on the record component that holds it. The key's name is the
 * component's in snake case; its default stands here and nowhere else.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Key {

  /** Stands for "no default: the key must be given". */
  String REQUIRED = "<required>";

  /** Whether another value makes another run. */
  enum Role {
    /** Another value gives other weights, rows or files: it is another run. */
    IDENTITY,
    /** May change when a run resumes. */
    OPERATIONAL
  }

  Role role();

  /** What the key means, for the reference in conf/README.md. */
  String meaning();

  /** The default, as it would be written in YAML; {@code null}: absent. */
  String usual() default REQUIRED;

  /** Defaults of single objectives that differ, as {@code "sft: 2.0e-5"}. */
  String[] usualFor() default {};

  /** Bounds of a number, as {@code ">= 0 and < 1"}. */
  String range() default "";

  /** The legal values that are built, where not all are. */
  String[] supported() default {};

  /** Whether the key has an effect only on objectives that compare with a reference model. */
  boolean needsReference() default false;
}
