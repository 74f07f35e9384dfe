/** Folders of files, read by position and written as streams, wherever they lie. */
package dev.collimate.files;
