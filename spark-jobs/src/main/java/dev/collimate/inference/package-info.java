/** What a model says of the rows of a file: scores, and completions of prompts. */
package dev.collimate.inference;
