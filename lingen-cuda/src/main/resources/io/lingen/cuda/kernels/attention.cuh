// Common code of the attention kernels: their parameters, and the rows of the tokens of a window.
#pragma once
#include "device.cuh"

struct Axis {
  int length;  // of the grid
  int size;    // of a window
  int first;   // start of the second window
  int count;   // of windows
};

struct Attention {
  const void* q;
  const void* k;
  const void* v;
  const float* weights;  // [keys] or null
  const float* bias;     // [heads, offsets] or null
  void* out;             // [queries, heads * head_dim]
  i64 q_columns;
  i64 k_columns;
  i64 v_columns;
  int q_bf16;
  int k_bf16;
  int v_bf16;
  int out_bf16;
  int heads;
  int head_dim;
  int queries;
  int keys;
  int windows;  // 0: all tokens
  int tiles;    // blocks per window
  float scale;
  Axis t, h, w;
};

/** Returns the weight of a key, which is 0 beyond the last one. */
DEVICE float weight_of(const Attention& p, int key, int keys) {
  return key >= keys ? 0 : p.weights == 0 ? 1 : p.weights[key];
}

/** Applies the weight of a key to its score x, of which 2^(scale x) is computed. A weight of 0 gives -infinity for any score. */
DEVICE float weighted(float score, float weight, float scale) {
  return weight == 0 ? -INFINITE : score + log2f(weight) / scale;
}

/** Computes the start and the length of a window on an axis. */
DEVICE void bounds(const Axis& axis, int index, int* from, int* length) {
  int start = index == 0 ? 0 : axis.first + (index - 1) * axis.size;
  int end = min(axis.length, axis.first + index * axis.size);
  *from = start;
  *length = end - start;
}

/** The tokens of the queries and keys of a block: all tokens, or those of a window. */
struct Tokens {
  int t0, h0, w0;
  int height, width;
  int queries, keys;

  DEVICE void locate(const Attention& p, int window) {
    queries = p.queries;
    keys = p.keys;
    t0 = h0 = w0 = 0;
    height = width = 1;
    if (p.windows) {
      int depth;
      bounds(p.w, window % p.w.count, &w0, &width);
      bounds(p.h, window / p.w.count % p.h.count, &h0, &height);
      bounds(p.t, window / p.w.count / p.h.count, &t0, &depth);
      queries = keys = depth * height * width;
    }
  }

  /** Returns the row of a token in its matrix. */
  DEVICE i64 row(const Attention& p, int token) const {
    if (!p.windows) {
      return token;
    }
    int line = token / width;
    return ((i64)(t0 + line / height) * p.h.length + h0 + line % height) * p.w.length + w0 + token % width;
  }

  /** Returns the bias of a pair of tokens of a window. Its index on each axis is query - key + size - 1. */
  DEVICE float bias(const Attention& p, int head, int query, int key) const {
    int ql = query / width, kl = key / width;
    int dt = ql / height - kl / height + p.t.size - 1;
    int dh = ql % height - kl % height + p.h.size - 1;
    int dw = query % width - key % width + p.w.size - 1;
    int rows = 2 * p.h.size - 1, columns = 2 * p.w.size - 1;
    int offsets = (2 * p.t.size - 1) * rows * columns;
    return p.bias[(i64)head * offsets + (dt * rows + dh) * columns + dw];
  }
};
