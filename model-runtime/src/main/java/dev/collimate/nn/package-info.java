/**
 * The decoder: attention, rotary positions, norms, MLP, LoRA, KV cache, fused kernels. Axis words:
 * batch, seq, vocab, hidden, heads, head_dim.
 */
package dev.collimate.nn;
