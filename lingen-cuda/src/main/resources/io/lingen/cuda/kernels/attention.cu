// Attention in one pass over keys and values with a running softmax (Dao, "FlashAttention-2", 2023), over all tokens or inside the
// windows of a grid. A window is only another list of rows: the same tiles, read through a map.
//
// BF16: mma.m16n8k16, a warp owns 16 queries, scores and their exponentials never leave its registers; keys and values come in tiles of
// 64, the next under way while one is used. F32 or mixed: a warp per query, plain multiply-adds.
#include "device.cuh"

struct Axis {
  int length;  // of the grid
  int size;    // of a window
  int first;   // where the second window begins
  int count;   // of windows
};

struct Attention {
  const void* q;
  const void* k;
  const void* v;
  const float* mask;  // [keys] or null
  const float* bias;  // [heads, offsets] or null
  void* out;          // [queries, heads * head_dim]
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

/** Where a window begins on an axis, and its length. */
DEVICE void bounds(const Axis& axis, int index, int* from, int* length) {
  int start = index == 0 ? 0 : axis.first + (index - 1) * axis.size;
  int end = min(axis.length, axis.first + index * axis.size);
  *from = start;
  *length = end - start;
}

/** The tokens of a block's queries and keys: all, or one window's. */
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

  /** The row of the matrix that holds a token. */
  DEVICE i64 row(const Attention& p, int token) const {
    if (!p.windows) {
      return token;
    }
    int line = token / width;
    return ((i64)(t0 + line / height) * p.h.length + h0 + line % height) * p.w.length + w0 + token % width;
  }

  /** The bias of a pair of tokens of a window, at (query - key + size - 1) per axis. */
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

#define KEYS 64

/** Moves rows of a head to shared memory [count][D + 8], zeros beyond the last token and beyond the head's width. */
template <int D, int THREADS>
DEVICE void stage(u16* to, const Attention& p, const Tokens& tokens, const void* matrix, i64 columns, int head, int first,
                  int limit, int count) {
  const u16* from = (const u16*)matrix;
  bool direct = p.head_dim % 8 == 0 && columns % 8 == 0 && is_aligned(matrix);
  for (int i = threadIdx.x; i < count * (D / 8); i += THREADS) {
    int token = first + i / (D / 8);
    int c = i % (D / 8) * 8;
    u16* target = to + i / (D / 8) * (D + 8) + c;
    if (token >= limit || c >= p.head_dim) {
      *(uint4*)target = make_uint4(0, 0, 0, 0);
      continue;
    }
    const u16* source = from + tokens.row(p, token) * columns + (i64)head * p.head_dim + c;
    if (direct) {
      copy_async(target, source);
    } else {
#pragma unroll
      for (int e = 0; e < 8; e++) {
        target[e] = c + e < p.head_dim ? source[e] : 0;
      }
    }
  }
}

template <int D, int WARPS>
DEVICE void attend(const Attention& p) {
  DYNAMIC_SHARED(memory);
  const int PITCH = D + 8;
  const int TILE = KEYS * PITCH;
  u16* shared = (u16*)memory;  // two stages of keys and values; first the queries lie there
  int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
  int head = blockIdx.y;
  Tokens tokens;
  tokens.locate(p, blockIdx.x / p.tiles);
  int first = blockIdx.x % p.tiles * WARPS * 16;
  if (first >= tokens.queries) {
    return;
  }
  stage<D, WARPS * WARP>(shared, p, tokens, p.q, p.q_columns, head, first, tokens.queries, WARPS * 16);
  commit_copies();
  wait_copies<0>();
  __syncthreads();
  u32 q[D / 16][4];
#pragma unroll
  for (int d = 0; d < D / 16; d++) {
    load_matrices(q[d], shared + (warp * 16 + lane % 16) * PITCH + d * 16 + lane / 16 * 8);
  }
  __syncthreads();

  float out[D / 8][4];
#pragma unroll
  for (int i = 0; i < D / 8; i++) {
#pragma unroll
    for (int k = 0; k < 4; k++) {
      out[i][k] = 0;
    }
  }
  float largest[2] = {-INFINITE, -INFINITE};
  float total[2] = {0, 0};
  // Exponentials of base 2: one instruction each.
  const float LOG2E = 1.4426950408889634f;
  float scale = p.scale * LOG2E;
  int tiles = (tokens.keys + KEYS - 1) / KEYS;
  auto load = [&](int tile) {
    u16* to = shared + tile % 2 * 2 * TILE;
    stage<D, WARPS * WARP>(to, p, tokens, p.k, p.k_columns, head, tile * KEYS, tokens.keys, KEYS);
    stage<D, WARPS * WARP>(to + TILE, p, tokens, p.v, p.v_columns, head, tile * KEYS, tokens.keys, KEYS);
  };
  load(0);
  commit_copies();
  for (int tile = 0; tile < tiles; tile++) {
    if (tile + 1 < tiles) {
      load(tile + 1);
    }
    commit_copies();
    wait_copies<1>();
    __syncthreads();
    const u16* keys = shared + tile % 2 * 2 * TILE;
    const u16* values = keys + TILE;
    float s[KEYS / 8][4];
#pragma unroll
    for (int i = 0; i < KEYS / 8; i++) {
#pragma unroll
      for (int k = 0; k < 4; k++) {
        s[i][k] = 0;
      }
    }
#pragma unroll
    for (int d = 0; d < D / 16; d++) {
#pragma unroll
      for (int i = 0; i < KEYS / 16; i++) {
        u32 b[4];
        load_matrices(b, keys + (i * 16 + lane % 8 + lane / 16 * 8) * PITCH + d * 16 + lane / 8 % 2 * 8);
        mma_bf16(s[2 * i], q[d], b);
        mma_bf16(s[2 * i + 1], q[d], b + 2);
      }
    }
    float tile_largest[2] = {largest[0], largest[1]};
#pragma unroll
    for (int i = 0; i < KEYS / 8; i++) {
#pragma unroll
      for (int k = 0; k < 4; k++) {
        int key = tile * KEYS + i * 8 + lane % 4 * 2 + k % 2;
        float score = s[i][k] * scale;
        if (key >= tokens.keys || (p.mask != 0 && p.mask[key] == 0)) {
          score = -INFINITE;
        } else if (p.bias != 0) {
          int query = min(first + warp * 16 + lane / 4 + k / 2 * 8, tokens.queries - 1);
          score += tokens.bias(p, head, query, key) * LOG2E;
        }
        s[i][k] = score;
        tile_largest[k / 2] = fmaxf(tile_largest[k / 2], score);
      }
    }
    float correction[2];
#pragma unroll
    for (int r = 0; r < 2; r++) {
      // The four lanes of a row.
      tile_largest[r] = fmaxf(tile_largest[r], __shfl_xor_sync(ALL_LANES, tile_largest[r], 1));
      tile_largest[r] = fmaxf(tile_largest[r], __shfl_xor_sync(ALL_LANES, tile_largest[r], 2));
      // Until a key is kept, the largest is -infinity, and -infinity minus itself no number.
      float safe = tile_largest[r] == -INFINITE ? 0 : tile_largest[r];
      correction[r] = exp2_fast(largest[r] - safe);
      largest[r] = tile_largest[r];
      tile_largest[r] = safe;
      total[r] *= correction[r];
    }
#pragma unroll
    for (int i = 0; i < KEYS / 8; i++) {
#pragma unroll
      for (int k = 0; k < 4; k++) {
        s[i][k] = exp2_fast(s[i][k] - tile_largest[k / 2]);
        total[k / 2] += s[i][k];
      }
    }
#pragma unroll
    for (int i = 0; i < D / 8; i++) {
#pragma unroll
      for (int k = 0; k < 4; k++) {
        out[i][k] *= correction[k / 2];
      }
    }
#pragma unroll
    for (int i = 0; i < KEYS / 16; i++) {
      // The sums of two neighbouring tiles are laid out as the left operand of a product over their 16 columns.
      u32 a[4] = {
          pack_bf16(s[2 * i][0], s[2 * i][1]), pack_bf16(s[2 * i][2], s[2 * i][3]),
          pack_bf16(s[2 * i + 1][0], s[2 * i + 1][1]), pack_bf16(s[2 * i + 1][2], s[2 * i + 1][3])};
#pragma unroll
      for (int d = 0; d < D / 16; d++) {
        u32 b[4];
        load_matrices_transposed(b, values + (i * 16 + lane % 16) * PITCH + d * 16 + lane / 16 * 8);
        mma_bf16(out[2 * d], a, b);
        mma_bf16(out[2 * d + 1], a, b + 2);
      }
    }
    __syncthreads();
  }
  wait_copies<0>();
#pragma unroll
  for (int r = 0; r < 2; r++) {
    total[r] += __shfl_xor_sync(ALL_LANES, total[r], 1);
    total[r] += __shfl_xor_sync(ALL_LANES, total[r], 2);
  }
#pragma unroll
  for (int r = 0; r < 2; r++) {
    int query = first + warp * 16 + lane / 4 + r * 8;
    if (query < tokens.queries) {
      i64 at = tokens.row(p, query) * ((i64)p.heads * p.head_dim) + (i64)head * p.head_dim;
#pragma unroll
      for (int i = 0; i < D / 8; i++) {
        int c = i * 8 + lane % 4 * 2;
        put2(p.out, p.out_bf16, at + c, p.head_dim - c, out[i][2 * r] / total[r], out[i][2 * r + 1] / total[r]);
      }
    }
  }
}

// Names end in the padded head dimension. Few queries per window or frame: four warps; many: eight.
KERNEL(128, attention_bf16_32_few, Attention) { attend<32, 4>(p); }
KERNEL(128, attention_bf16_64_few, Attention) { attend<64, 4>(p); }
KERNEL(128, attention_bf16_128_few, Attention) { attend<128, 4>(p); }
KERNEL(256, attention_bf16_32_many, Attention) { attend<32, 8>(p); }
KERNEL(256, attention_bf16_64_many, Attention) { attend<64, 8>(p); }
KERNEL(256, attention_bf16_128_many, Attention) { attend<128, 8>(p); }

#define PLAIN_WARPS 4
#define MAX_HEAD 1024

/** Any types, head dimensions up to 1024; a warp per query: lanes are keys while scores are formed, columns while values are summed. */
KERNEL(128, attention_plain, Attention) {
  __shared__ float queries[PLAIN_WARPS][MAX_HEAD];
  int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
  int head = blockIdx.y;
  Tokens tokens;
  tokens.locate(p, blockIdx.x / p.tiles);
  int query = blockIdx.x % p.tiles * PLAIN_WARPS + warp;
  if (query >= tokens.queries) {
    return;
  }
  i64 column = (i64)head * p.head_dim;
  for (int c = lane; c < p.head_dim; c += WARP) {
    queries[warp][c] = get(p.q, p.q_bf16, tokens.row(p, query) * p.q_columns + column + c);
  }
  __syncwarp();
  float out[MAX_HEAD / WARP];
#pragma unroll
  for (int i = 0; i < MAX_HEAD / WARP; i++) {
    out[i] = 0;
  }
  float largest = -INFINITE, total = 0;
  for (int first = 0; first < tokens.keys; first += WARP) {
    int key = first + lane;
    float score = -INFINITE;
    if (key < tokens.keys && (p.mask == 0 || p.mask[key] != 0)) {
      i64 at = tokens.row(p, key) * p.k_columns + column;
      float sum = 0;
      for (int c = 0; c < p.head_dim; c++) {
        sum += queries[warp][c] * get(p.k, p.k_bf16, at + c);
      }
      score = sum * p.scale;
      if (p.bias != 0) {
        score += tokens.bias(p, head, query, key);
      }
    }
    float now = fmaxf(largest, warp_max(score));
    if (now == -INFINITE) {
      continue;
    }
    float correction = expf(largest - now);
    float weight = expf(score - now);
    total = total * correction + warp_sum(weight);
    largest = now;
#pragma unroll
    for (int i = 0; i < MAX_HEAD / WARP; i++) {
      out[i] *= correction;
    }
    int count = min(WARP, tokens.keys - first);
    for (int j = 0; j < count; j++) {
      float w = __shfl_sync(ALL_LANES, weight, j);
      i64 at = tokens.row(p, first + j) * p.v_columns + column;
#pragma unroll
      for (int i = 0; i < MAX_HEAD / WARP; i++) {
        int c = lane + i * WARP;
        if (c < p.head_dim) {
          out[i] += w * get(p.v, p.v_bf16, at + c);
        }
      }
    }
  }
  i64 at = tokens.row(p, query) * ((i64)p.heads * p.head_dim) + column;
#pragma unroll
  for (int i = 0; i < MAX_HEAD / WARP; i++) {
    int c = lane + i * WARP;
    if (c < p.head_dim) {
      put(p.out, p.out_bf16, at + c, out[i] / total);
    }
  }
}
