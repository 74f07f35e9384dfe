/**
 * Text to tokens: tokenizer.json, chat templates, rows to token sequences with loss masks. A loss
 * mask's 1 means that the token counts.
 */
package dev.collimate.text;
