/** A driver program for tests that would spend most of their time on starting applications. */
package dev.collimate.integration.many;
