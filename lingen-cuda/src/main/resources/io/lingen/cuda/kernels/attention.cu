// Attention in one pass over keys and values with an online softmax (Dao, "FlashAttention-2", 2023), over all tokens or inside the
// windows of a grid. The tiles of a window are read through a list of rows.
//
// BF16: mma.m16n8k16. A warp has 16 or 32 queries, and keeps scores and their exponentials in registers. Keys and values come in
// tiles of 64; the next tile is prefetched. F32 or mixed types: one warp per query, without matrix instructions.
#include "attention.cuh"

#define KEYS 64
#define WARPS 4
#define THREADS (WARPS * WARP)

/**
 * Returns the offset of a unit in a tile whose rows are padded by 8 elements instead of permuted. Distances are constants, but it
 * needs more memory.
 */
template <int D>
DEVICE int padded_place(int row, int unit) {
  return row * (D + 8) + unit * 8;
}

/** Returns whether the columns of a head can be copied in units of 16 bytes. */
DEVICE bool is_direct(const void* matrix, i64 columns, int head_dim) {
  return head_dim % 8 == 0 && columns % 8 == 0 && is_aligned(matrix);
}

/** Copies the columns of a head in COUNT rows to a tile in shared memory, element by element, with zeros beyond the head dimension. */
template <int D, int COUNT, bool PADDED>
DEVICE void gather(u16* to, const int* rows, const void* matrix, i64 columns, int head, int head_dim) {
  const u16* from = (const u16*)matrix + (i64)head * head_dim;
#pragma unroll 1
  for (int i = threadIdx.x; i < COUNT * D; i += THREADS) {
    int c = i % D;
    int at = PADDED ? padded_place<D>(i / D, c / 8) : place<D>(i / D, c / 8);
    to[at + c % 8] = c < head_dim ? from[rows[i / D] * columns + c] : 0;
  }
}

/** Attention of a block of 64 M queries, 16 M per warp. M = 2 halves the reads of keys and values from shared memory. */
template <int D, int M, bool BIASED>
DEVICE void attend(const Attention& p) {
  DYNAMIC_SHARED(memory);
  const int QUERIES = WARPS * 16 * M;
  const int TILE = KEYS * D;
  const int SPAN = M * D > 128 ? 32 : KEYS;  // keys whose scores are in registers at the same time
  const int PITCH = D + 8;
  u16* queries = (u16*)memory;                  // [QUERIES][PITCH], finally the output
  u16* stages = queries + QUERIES * PITCH;      // two stages of keys and values
  int* query_rows = (int*)(stages + 4 * TILE);  // [QUERIES]
  int* key_rows = query_rows + QUERIES;         // [2][KEYS]
  int thread = threadIdx.x, lane = thread % WARP, warp = thread / WARP;
  int head = blockIdx.y;
  Tokens tokens;
  tokens.locate(p, blockIdx.x / p.tiles);
  int first = blockIdx.x % p.tiles * QUERIES;
  if (first >= tokens.queries) {
    return;
  }
  int query_count = tokens.queries - first;  // of this block and those after it
  int key_count = tokens.keys;
  // Compute the row of each token once, since windows need several divisions. Tokens beyond the last one use its row.
  if (thread < QUERIES) {
    query_rows[thread] = (int)tokens.row(p, min(first + thread, tokens.queries - 1));
  }
  key_rows[thread] = (int)tokens.row(p, min(thread, key_count - 1));
  if (p.head_dim < D) {
    // Columns beyond the head dimension are not written again.
    for (int i = thread; i < (QUERIES * PITCH + 4 * TILE) / 8; i += THREADS) {
      ((uint4*)memory)[i] = make_uint4(0, 0, 0, 0);
    }
  }
  __syncthreads();
  bool direct = is_direct(p.k, p.k_columns, p.head_dim) && is_direct(p.v, p.v_columns, p.head_dim);
  // The number of rows that all threads copy together: a multiple of 8, so each thread keeps its offset within a row.
  const int TOGETHER = THREADS / (D / 8);
  auto load = [&](int tile, u32 thread) {
    u16* to = stages + tile % 2 * 2 * TILE;
    const int* rows = key_rows + tile % 2 * KEYS;
    if (direct) {
      int row = (int)(thread / (D / 8)), unit = (int)(thread % (D / 8));
      if (unit * 8 < p.head_dim) {
        // Offsets in units of 16 bytes fit 32 bits.
        const uint4* k = (const uint4*)p.k + head * p.head_dim / 8 + unit;
        const uint4* v = (const uint4*)p.v + head * p.head_dim / 8 + unit;
        u32 k_pitch = (u32)p.k_columns / 8, v_pitch = (u32)p.v_columns / 8;
        u16* target = to + place<D>(row, unit);
#pragma unroll
        for (int i = 0; i < KEYS / TOGETHER; i++) {
          u32 from = rows[row + i * TOGETHER];
          copy_async(target + i * TOGETHER * D, k + from * k_pitch);
          copy_async(target + i * TOGETHER * D + TILE, v + from * v_pitch);
        }
      }
    } else {
      gather<D, KEYS, false>(to, rows, p.k, p.k_columns, head, p.head_dim);
      gather<D, KEYS, false>(to + TILE, rows, p.v, p.v_columns, head, p.head_dim);
    }
  };
  if (is_direct(p.q, p.q_columns, p.head_dim)) {
    int row = thread / (D / 8), unit = thread % (D / 8);
    if (unit * 8 < p.head_dim) {
      const uint4* q = (const uint4*)p.q + head * p.head_dim / 8 + unit;
#pragma unroll
      for (int i = 0; i < QUERIES; i += TOGETHER) {
        copy_async(queries + padded_place<D>(row + i, unit), q + (u32)query_rows[row + i] * ((u32)p.q_columns / 8));
      }
    }
  } else {
    gather<D, QUERIES, true>(queries, query_rows, p.q, p.q_columns, head, p.head_dim);
  }
  load(0, threadIdx.x);
  commit_copies();

  float out[M][D / 8][4];
  float largest[M][2], total[M][2];
#pragma unroll
  for (int m = 0; m < M; m++) {
#pragma unroll
    for (int i = 0; i < D / 8; i++) {
#pragma unroll
      for (int k = 0; k < 4; k++) {
        out[m][i][k] = 0;
      }
    }
#pragma unroll
    for (int r = 0; r < 2; r++) {
      largest[m][r] = -INFINITE;
      total[m][r] = 0;
    }
  }
  // Exponentials of base 2 need one instruction.
  const float LOG2E = 1.4426950408889634f;
  float scale = BIASED ? 1 : p.scale * LOG2E;
#pragma unroll 1
  for (int tile = 0; tile * KEYS < key_count; tile++) {
    wait_copies<0>();
    // This tile is complete, and the previous one is no longer used.
    __syncthreads();
    // Recompute values that depend on the thread only, to save registers.
    u32 now = opaque(threadIdx.x);
    if ((tile + 1) * KEYS < key_count) {
      load(tile + 1, now);
      commit_copies();
      int key = (tile + 2) * KEYS + (int)now;
      if (now < KEYS && (tile + 2) * KEYS < key_count) {
        Tokens again;
        again.locate(p, (int)opaque(blockIdx.x) / p.tiles);
        key_rows[tile % 2 * KEYS + now] = (int)again.row(p, min(key, key_count - 1));
      }
    }
    int lane = (int)(now % WARP), warp = (int)(now / WARP);
    if (warp * 16 * M >= query_count) {
      continue;
    }
    // The addresses of the rows that this lane passes to matrix loads.
    const u16* own = queries + padded_place<D>(warp * 16 * M + lane % 16, lane / 16);
    int keys_at = tile % 2 * 2 * TILE + place<D>(lane % 8 + lane / 16 * 8, lane / 8 % 2);
    int values_at = tile % 2 * 2 * TILE + TILE + place<D>(lane % 16, lane / 16);
#pragma unroll 1
    for (int from = 0; from < KEYS; from += SPAN) {
      float s[M][SPAN / 8][4];
#pragma unroll
      for (int m = 0; m < M; m++) {
#pragma unroll
        for (int i = 0; i < SPAN / 8; i++) {
#pragma unroll
          for (int k = 0; k < 4; k++) {
            s[m][i][k] = 0;
          }
        }
      }
#pragma unroll 4
      for (int d = 0; d < D / 16; d++) {
        u32 a[M][4];
#pragma unroll
        for (int m = 0; m < M; m++) {
          load_matrices(a[m], own + m * 16 * PITCH + d * 16);
        }
#pragma unroll
        for (int i = 0; i < SPAN / 16; i++) {
          u32 b[4];
          load_matrices(b, stages + (from + i * 16) * D + (keys_at ^ (d * 16)));
#pragma unroll
          for (int m = 0; m < M; m++) {
            mma_bf16(s[m][2 * i], a[m], b);
            mma_bf16(s[m][2 * i + 1], a[m], b + 2);
          }
        }
      }
      if (BIASED) {
#pragma unroll
        for (int m = 0; m < M; m++) {
#pragma unroll
          for (int i = 0; i < SPAN / 8; i++) {
#pragma unroll
            for (int k = 0; k < 4; k++) {
              int query = min(first + (warp * M + m) * 16 + lane / 4 + k / 2 * 8, tokens.queries - 1);
              int key = min(tile * KEYS + from + i * 8 + lane % 4 * 2 + k % 2, key_count - 1);
              s[m][i][k] = (s[m][i][k] * p.scale + tokens.bias(p, head, query, key)) * LOG2E;
            }
          }
        }
      }
      if (tile * KEYS + from + SPAN > key_count || p.weights != 0) {
#pragma unroll
        for (int i = 0; i < SPAN / 8; i++) {
#pragma unroll
          for (int k = 0; k < 2; k++) {
            float weight = weight_of(p, tile * KEYS + from + i * 8 + lane % 4 * 2 + k, key_count);
            if (weight != 1) {
#pragma unroll
              for (int m = 0; m < M; m++) {
                s[m][i][k] = weighted(s[m][i][k], weight, scale);
                s[m][i][k + 2] = weighted(s[m][i][k + 2], weight, scale);
              }
            }
          }
        }
      }
      float safe[M][2], corrections[M][2];
      bool changed = false;
#pragma unroll
      for (int m = 0; m < M; m++) {
#pragma unroll
        for (int r = 0; r < 2; r++) {
          float top = largest[m][r];
#pragma unroll
          for (int i = 0; i < SPAN / 8; i++) {
            top = fmaxf(top, fmaxf(s[m][i][2 * r], s[m][i][2 * r + 1]));
          }
          // Four lanes share a row.
          top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, 1));
          top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, 2));
          // The maximum is -infinity until a key is kept. Subtracting -infinity from itself would give NaN.
          safe[m][r] = top == -INFINITE ? 0 : top * scale;
          float correction = exp2_fast(largest[m][r] * scale - safe[m][r]);
          largest[m][r] = top;
          total[m][r] *= correction;
          corrections[m][r] = correction;
          changed |= correction != 1;
        }
      }
      // Rare after the first tiles.
      if (__any_sync(ALL_LANES, changed)) {
#pragma unroll
        for (int m = 0; m < M; m++) {
#pragma unroll
          for (int i = 0; i < D / 8; i++) {
#pragma unroll
            for (int k = 0; k < 4; k++) {
              out[m][i][k] *= corrections[m][k / 2];
            }
          }
        }
      }
#pragma unroll
      for (int i = 0; i < SPAN / 16; i++) {
        // The sums of two neighboring 8-column tiles have the register layout of a left operand with 16 columns.
        u32 a[M][4];
#pragma unroll
        for (int m = 0; m < M; m++) {
#pragma unroll
          for (int k = 0; k < 4; k++) {
            const float* score = s[m][2 * i + k / 2] + k % 2 * 2;
            float low = exp2_fast(score[0] * scale - safe[m][k % 2]);
            float high = exp2_fast(score[1] * scale - safe[m][k % 2]);
            total[m][k % 2] += low + high;
            a[m][k] = pack_bf16(low, high);
          }
        }
#pragma unroll
        for (int d = 0; d < D / 16; d++) {
          u32 b[4];
          load_matrices_transposed(b, stages + (from + i * 16) * D + (values_at ^ (d * 16)));
#pragma unroll
          for (int m = 0; m < M; m++) {
            mma_bf16(out[m][2 * d], a[m], b);
            mma_bf16(out[m][2 * d + 1], a[m], b + 2);
          }
        }
      }
    }
  }
  if (warp * 16 * M >= query_count) {
    return;
  }
#pragma unroll
  for (int m = 0; m < M; m++) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      total[m][r] += __shfl_xor_sync(ALL_LANES, total[m][r], 1);
      total[m][r] += __shfl_xor_sync(ALL_LANES, total[m][r], 2);
      float factor = 1 / total[m][r];
#pragma unroll
      for (int i = 0; i < D / 8; i++) {
        out[m][i][2 * r] *= factor;
        out[m][i][2 * r + 1] *= factor;
      }
    }
  }
  i64 width = (i64)p.heads * p.head_dim, column = (i64)head * p.head_dim;
  if (p.out_bf16 && p.head_dim % 8 == 0 && is_aligned(p.out)) {
    // Stage the output in the warp's queries, which are no longer needed, to write complete rows.
    u16* to = queries + warp * 16 * M * PITCH;
    __syncwarp();
#pragma unroll
    for (int m = 0; m < M; m++) {
#pragma unroll
      for (int i = 0; i < D / 8; i++) {
#pragma unroll
        for (int r = 0; r < 2; r++) {
          *(u32*)(to + padded_place<D>(m * 16 + lane / 4 + r * 8, i) + lane % 4 * 2) =
              pack_bf16(out[m][i][2 * r], out[m][i][2 * r + 1]);
        }
      }
    }
    __syncwarp();
    int unit = lane % (D / 8);
#pragma unroll
    for (int i = lane / (D / 8); i < 16 * M; i += WARP / (D / 8)) {
      if (warp * 16 * M + i < query_count && unit * 8 < p.head_dim) {
        i64 row = query_rows[warp * 16 * M + i];
        *(uint4*)((u16*)p.out + row * width + column + unit * 8) = *(const uint4*)(to + padded_place<D>(i, unit));
      }
    }
    return;
  }
#pragma unroll
  for (int m = 0; m < M; m++) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      int query = (warp * M + m) * 16 + lane / 4 + r * 8;
      if (query < query_count) {
        i64 row = query_rows[query];
#pragma unroll
        for (int i = 0; i < D / 8; i++) {
          int c = i * 8 + lane % 4 * 2;
          put2(p.out, p.out_bf16, row * width + column + c, p.head_dim - c, out[m][i][2 * r], out[m][i][2 * r + 1]);
        }
      }
    }
  }
}

// Names end in the padded head dimension and in the block size: few = 64 queries, many = 128 queries.
KERNEL(128, attention_bf16_32_few, Attention) { attend<32, 1, false>(p); }
KERNEL(128, attention_bf16_64_few, Attention) { attend<64, 1, false>(p); }
KERNEL(128, attention_bf16_128_few, Attention) { attend<128, 1, false>(p); }
KERNEL(128, attention_bf16_32_many, Attention) { attend<32, 2, false>(p); }
KERNEL(128, attention_bf16_64_many, Attention) { attend<64, 2, false>(p); }
KERNEL_RESIDENT(128, 2, attention_bf16_128_many, Attention) { attend<128, 2, false>(p); }
// With a bias, its loads dominate the time, so blocks of 64 queries suffice.
KERNEL(128, attention_bf16_32_biased, Attention) { attend<32, 1, true>(p); }
KERNEL(128, attention_bf16_64_biased, Attention) { attend<64, 1, true>(p); }
KERNEL(128, attention_bf16_128_biased, Attention) { attend<128, 1, true>(p); }

#define PLAIN_WARPS 4
#define MAX_HEAD 1024

/**
 * Attention for any types and head dimensions up to 1024, with one warp per query. Lanes are keys for the scores, and columns for
 * the sums of values.
 */
KERNEL_RESIDENT(128, 7, attention_plain, Attention) {
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
    float weight = weight_of(p, key, tokens.keys);
    if (weight != 0) {
      i64 at = tokens.row(p, key) * p.k_columns + column;
      float sum = 0;
      for (int c = 0; c < p.head_dim; c++) {
        sum += queries[warp][c] * get(p.k, p.k_bf16, at + c);
      }
      score = sum * p.scale;
      if (p.bias != 0) {
        score += tokens.bias(p, head, query, key);
      }
      if (weight != 1) {
        score += logf(weight);
      }
    }
    float now = fmaxf(largest, warp_max(score));
    if (now == -INFINITE) {
      continue;
    }
    float correction = expf(largest - now);
    float share = expf(score - now);
    total = total * correction + warp_sum(share);
    largest = now;
#pragma unroll
    for (int i = 0; i < MAX_HEAD / WARP; i++) {
      out[i] *= correction;
    }
    int count = min(WARP, tokens.keys - first);
    for (int j = 0; j < count; j++) {
      float w = __shfl_sync(ALL_LANES, share, j);
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
