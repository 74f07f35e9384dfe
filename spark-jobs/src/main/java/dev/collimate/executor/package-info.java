/** The one model that an executor JVM holds, and what is read off it row by row. */
package dev.collimate.executor;
