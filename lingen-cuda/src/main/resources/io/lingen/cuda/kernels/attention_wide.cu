// Attention for BF16 heads of up to 512 columns, such as those of autoencoders, in one pass over keys and values with an online softmax
// (Dao, "FlashAttention-2", 2023). A tile is 64 queries and 32 keys. The result of such a head does not fit the registers of a warp,
// so the warps of a block divide the scores of a tile by queries and keys, and the result by columns.
#include "attention.cuh"

#define QUERIES 64
#define KEYS 32
#define WARPS 8
#define THREADS (WARPS * WARP)
#define SHARE_PITCH (KEYS + 8)  // of the rows of the softmax weights

/** Copies the columns of a head in COUNT rows to a tile in shared memory: in units of 16 bytes if possible, otherwise by elements. */
template <int D, int COUNT>
DEVICE void load_tile(u16* to, const Attention& p, const Tokens& tokens, const void* matrix, i64 columns, int first, int last) {
  const u16* from = (const u16*)matrix + (i64)blockIdx.y * p.head_dim;
  if (p.head_dim % 8 == 0 && columns % 8 == 0 && is_aligned(matrix)) {
#pragma unroll 4
    for (int i = threadIdx.x; i < COUNT * (D / 8); i += THREADS) {
      int row = i / (D / 8), unit = i % (D / 8);
      if (unit * 8 < p.head_dim) {
        copy_async(to + place<D>(row, unit), from + tokens.row(p, min(first + row, last)) * columns + unit * 8);
      }
    }
  } else {
#pragma unroll 1
    for (int i = threadIdx.x; i < COUNT * D; i += THREADS) {
      int row = i / D, c = i % D;
      to[place<D>(row, c / 8) + c % 8] =
          c < p.head_dim ? from[tokens.row(p, min(first + row, last)) * columns + c] : 0;
    }
  }
}

template <int D>
DEVICE void attend(const Attention& p) {
  DYNAMIC_SHARED(memory);
  const int COLUMNS = D / WARPS;  // of the result of a warp
  u16* queries = (u16*)memory;                        // [QUERIES][D]
  u16* keys = queries + QUERIES * D;                  // [KEYS][D]
  u16* values = keys + KEYS * D;                      // [KEYS][D]
  u16* shares = values + KEYS * D;                    // [QUERIES][SHARE_PITCH]: the numerators of the softmax
  float* halves = (float*)(shares + QUERIES * SHARE_PITCH);  // [2][QUERIES]: the maxima, finally the sums, over half a tile
  float* corrections = halves + 2 * QUERIES;          // [QUERIES]
  int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
  // The scores of this warp: 16 queries, and half of the keys of a tile.
  int query_row = warp % 4 * 16, half = warp / 4;
  int first = blockIdx.x % p.tiles * QUERIES;
  Tokens tokens;
  tokens.locate(p, blockIdx.x / p.tiles);
  if (first >= tokens.queries) {
    return;
  }
  if (p.head_dim < D) {
    // Columns beyond the head dimension are not written again.
    for (int i = threadIdx.x; i < (QUERIES + 2 * KEYS) * D / 8; i += THREADS) {
      ((uint4*)memory)[i] = make_uint4(0, 0, 0, 0);
    }
    __syncthreads();
  }
  load_tile<D, QUERIES>(queries, p, tokens, p.q, p.q_columns, first, tokens.queries - 1);
  load_tile<D, KEYS>(keys, p, tokens, p.k, p.k_columns, 0, tokens.keys - 1);
  commit_copies();

  float out[QUERIES / 16][COLUMNS / 8][4];
#pragma unroll
  for (int m = 0; m < QUERIES / 16; m++) {
#pragma unroll
    for (int i = 0; i < COLUMNS / 8; i++) {
#pragma unroll
      for (int k = 0; k < 4; k++) {
        out[m][i][k] = 0;
      }
    }
  }
  // A lane has two queries of the scores. `total` is over its own keys.
  float largest[2] = {-INFINITE, -INFINITE}, total[2] = {0, 0};
  // Exponentials of base 2 need one instruction.
  float scale = p.scale * 1.4426950408889634f;
#pragma unroll 1
  for (int tile = 0; tile < tokens.keys; tile += KEYS) {
    wait_copies<0>();
    // The keys are complete, and the previous values are no longer used.
    __syncthreads();
    load_tile<D, KEYS>(values, p, tokens, p.v, p.v_columns, tile, tokens.keys - 1);
    commit_copies();
    float s[2][4];
#pragma unroll
    for (int i = 0; i < 2; i++) {
#pragma unroll
      for (int k = 0; k < 4; k++) {
        s[i][k] = 0;
      }
    }
#pragma unroll 4
    for (int d = 0; d < D / 16; d++) {
      u32 a[4], b[4];
      load_matrices(a, queries + place<D>(query_row + lane % 16, d * 2 + lane / 16));
      load_matrices(b, keys + place<D>(half * 16 + lane % 8 + lane / 16 * 8, d * 2 + lane / 8 % 2));
      mma_bf16(s[0], a, b);
      mma_bf16(s[1], a, b + 2);
    }
#pragma unroll
    for (int i = 0; i < 2; i++) {
#pragma unroll
      for (int k = 0; k < 2; k++) {
        float weight = weight_of(p, tile + half * 16 + i * 8 + lane % 4 * 2 + k, tokens.keys);
        if (weight != 1) {
          s[i][k] = weighted(s[i][k], weight, scale);
          s[i][k + 2] = weighted(s[i][k + 2], weight, scale);
        }
      }
    }
#pragma unroll
    for (int r = 0; r < 2; r++) {
      float top = fmaxf(fmaxf(s[0][2 * r], s[0][2 * r + 1]), fmaxf(s[1][2 * r], s[1][2 * r + 1]));
      // Four lanes share a query.
      top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, 1));
      top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, 2));
      if (lane % 4 == 0) {
        halves[half * QUERIES + query_row + lane / 4 + r * 8] = top;
      }
    }
    // The maxima are complete, and the keys are no longer used.
    __syncthreads();
    if (tile + KEYS < tokens.keys) {
      load_tile<D, KEYS>(keys, p, tokens, p.k, p.k_columns, tile + KEYS, tokens.keys - 1);
    }
    commit_copies();
#pragma unroll
    for (int r = 0; r < 2; r++) {
      int query = query_row + lane / 4 + r * 8;
      float top = fmaxf(largest[r], fmaxf(halves[query], halves[QUERIES + query]));
      // The maximum is -infinity until a key is kept. Subtracting -infinity from itself would give NaN.
      float safe = top == -INFINITE ? 0 : top * scale;
      float correction = exp2_fast(largest[r] * scale - safe);
      largest[r] = top;
      total[r] *= correction;
      if (half == 0 && lane % 4 == 0) {
        corrections[query] = correction;
      }
#pragma unroll
      for (int i = 0; i < 2; i++) {
        float low = exp2_fast(s[i][2 * r] * scale - safe);
        float high = exp2_fast(s[i][2 * r + 1] * scale - safe);
        total[r] += low + high;
        *(u32*)(shares + query * SHARE_PITCH + half * 16 + i * 8 + lane % 4 * 2) = pack_bf16(low, high);
      }
    }
    wait_copies<1>();
    // The values and the numerators are complete.
    __syncthreads();
#pragma unroll
    for (int m = 0; m < QUERIES / 16; m++) {
#pragma unroll
      for (int r = 0; r < 2; r++) {
        float correction = corrections[m * 16 + lane / 4 + r * 8];
#pragma unroll
        for (int i = 0; i < COLUMNS / 8; i++) {
          out[m][i][2 * r] *= correction;
          out[m][i][2 * r + 1] *= correction;
        }
      }
    }
#pragma unroll
    for (int from = 0; from < KEYS; from += 16) {
      u32 a[QUERIES / 16][4];
#pragma unroll
      for (int m = 0; m < QUERIES / 16; m++) {
        load_matrices(a[m], shares + (m * 16 + lane % 16) * SHARE_PITCH + from + lane / 16 * 8);
      }
#pragma unroll
      for (int i = 0; i < COLUMNS / 16; i++) {
        u32 b[4];
        int unit = warp * (COLUMNS / 8) + i * 2 + lane / 16;
        load_matrices_transposed(b, values + place<D>(from + lane % 16, unit));
#pragma unroll
        for (int m = 0; m < QUERIES / 16; m++) {
          mma_bf16(out[m][2 * i], a[m], b);
          mma_bf16(out[m][2 * i + 1], a[m], b + 2);
        }
      }
    }
  }
#pragma unroll
  for (int r = 0; r < 2; r++) {
    total[r] += __shfl_xor_sync(ALL_LANES, total[r], 1);
    total[r] += __shfl_xor_sync(ALL_LANES, total[r], 2);
    if (lane % 4 == 0) {
      halves[half * QUERIES + query_row + lane / 4 + r * 8] = total[r];
    }
  }
  __syncthreads();
  i64 width = (i64)p.heads * p.head_dim;
#pragma unroll
  for (int m = 0; m < QUERIES / 16; m++) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      int query = m * 16 + lane / 4 + r * 8;
      if (first + query < tokens.queries) {
        float factor = 1 / (halves[query] + halves[QUERIES + query]);
        i64 at = tokens.row(p, first + query) * width + (i64)blockIdx.y * p.head_dim;
#pragma unroll
        for (int i = 0; i < COLUMNS / 8; i++) {
          int c = warp * COLUMNS + i * 8 + lane % 4 * 2;
          put2(p.out, p.out_bf16, at + c, p.head_dim - c, out[m][i][2 * r] * factor, out[m][i][2 * r + 1] * factor);
        }
      }
    }
  }
}

// Names end in the padded head dimension.
KERNEL(256, attention_wide_256, Attention) { attend<256>(p); }
KERNEL(256, attention_wide_384, Attention) { attend<384>(p); }
KERNEL(256, attention_wide_512, Attention) { attend<512>(p); }
