/**
 * Hugging Face folders: config.json, safetensors (sharded too), PEFT adapters; read exactly,
 * written loadable.
 */
package dev.collimate.checkpoint;
