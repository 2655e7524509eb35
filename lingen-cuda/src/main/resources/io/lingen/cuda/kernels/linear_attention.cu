// Linear attention in two passes over the tokens: the state of each head, S = sum of v (R k')^T, and z = sum of k'; then out =
// S R q' / (z . q' + 1e-15), with q' = ReLU(q), k' = ReLU(k), and R the rotation of a token. Sums are in F32.
//
// The tokens are divided into ranges. Each range has its own state, and the states are summed in order.
//
// BF16 heads of 65 to 128 columns use mma.m16n8k16, with rotated vectors and the sum of the states rounded to BF16. Other heads use no
// matrix instructions.
#include "device.cuh"
#include "rotation.cuh"

struct LinearAttention {
  const void* q;  // the first column of the first head
  const void* k;
  const void* v;
  float* states;  // [ranges, heads, head_dim + 1, head_dim]: the rows of S^T, then z
  void* out;      // [tokens, heads * head_dim]
  i64 tokens;
  i64 q_columns;
  i64 k_columns;
  i64 v_columns;
  int q_bf16;
  int k_bf16;
  int v_bf16;
  int out_bf16;
  int heads;
  int range;
  int ranges;
  Angles angles;
};

#define TILE 64   // rows and columns of the result of a block; a thread has 4 x 4 elements of it
#define DEPTH 32  // terms of its sums in shared memory at the same time
#define PITCH (TILE / 4 + 1)  // of a row in shared memory, in units of four elements

DEVICE float* state_of(const LinearAttention& p, i64 range, int head) {
  int d = p.angles.head_dim;
  return p.states + (range * p.heads + head) * d * (d + 1);
}

/** Reads eight columns of ReLU(q) or ReLU(k), with zeros beyond `count`. */
DEVICE void get_positive(const void* array, int bf16, i64 index, int count, float* v) {
  get8(array, bf16, index, count, v);
#pragma unroll
  for (int e = 0; e < 8; e++) {
    v[e] = fmaxf(v[e], 0);
  }
}

DEVICE void rotate8(const LinearAttention& p, i64 token, int column, float* v) {
  float cosines[4], sines[4];
  read_angles(p.angles, (u32)token, column, cosines, sines);
  rotate_pairs(v, cosines, sines);
}

/** Computes sums[i][j] += a[0][i] b[0][j] + a[1][i] b[1][j] + ... for the elements of this thread. */
DEVICE void multiply(const float4 (*a)[PITCH], const float4 (*b)[PITCH], float (*sums)[4]) {
  int row = threadIdx.x / 16, column = threadIdx.x % 16;
#pragma unroll 8
  for (int i = 0; i < DEPTH; i++) {
    float4 left = a[i][row], right = b[i][column];
    float x[4] = {left.x, left.y, left.z, left.w}, y[4] = {right.x, right.y, right.z, right.w};
#pragma unroll
    for (int r = 0; r < 4; r++) {
#pragma unroll
      for (int c = 0; c < 4; c++) {
        sums[r][c] += x[r] * y[c];
      }
    }
  }
}

/** Stores eight values in a row in shared memory. */
DEVICE void store8(float4* row, int column, const float* v) {
  row[column / 4] = make_float4(v[0], v[1], v[2], v[3]);
  row[column / 4 + 1] = make_float4(v[4], v[5], v[6], v[7]);
}

/** Sums a tile of the state of a head over a range. blockIdx is (range, head, tile). The first tiles of each row also sum the keys. */
KERNEL(256, linear_attention_states, LinearAttention) {
  __shared__ float4 keys[DEPTH][PITCH];
  __shared__ float4 values[DEPTH][PITCH];
  int d = p.angles.head_dim, tiles = (d + TILE - 1) / TILE, head = blockIdx.y;
  int key_column = blockIdx.z / tiles * TILE, value_column = blockIdx.z % tiles * TILE;
  i64 first = (i64)blockIdx.x * p.range;
  int count = (int)(p.tokens - first < p.range ? p.tokens - first : p.range);
  // A thread reads eight columns of one of 32 tokens.
  int unit = threadIdx.x % 8 * 8, line = threadIdx.x / 8;
  int k_count = d - key_column - unit, v_count = d - value_column - unit;
  i64 k_at = (first + line) * p.k_columns + (i64)head * d + key_column + unit;
  i64 v_at = (first + line) * p.v_columns + (i64)head * d + value_column + unit;
  float sums[4][4], total[8];
#pragma unroll
  for (int r = 0; r < 4; r++) {
#pragma unroll
    for (int c = 0; c < 4; c++) {
      sums[r][c] = 0;
    }
  }
#pragma unroll
  for (int e = 0; e < 8; e++) {
    total[e] = 0;
  }
#pragma unroll 1
  for (int i = line; i < count + line; i += DEPTH) {
    float k[8], v[8];
    bool live = i < count;
    get_positive(p.k, p.k_bf16, k_at, live ? k_count : 0, k);
    get8(p.v, p.v_bf16, v_at, live ? v_count : 0, v);
#pragma unroll
    for (int e = 0; e < 8; e++) {
      total[e] += k[e];
    }
    rotate8(p, first + (live ? i : 0), key_column + unit, k);
    __syncthreads();
    store8(keys[line], unit, k);
    store8(values[line], unit, v);
    __syncthreads();
    multiply(keys, values, sums);
    k_at += DEPTH * p.k_columns;
    v_at += DEPTH * p.v_columns;
  }
  float* state = state_of(p, blockIdx.x, head);
  int row = key_column + threadIdx.x / 16 * 4, column = value_column + threadIdx.x % 16 * 4;
#pragma unroll
  for (int r = 0; r < 4; r++) {
#pragma unroll
    for (int c = 0; c < 4; c++) {
      if (row + r < d && column + c < d) {
        state[(row + r) * d + column + c] = sums[r][c];
      }
    }
  }
  if (value_column == 0) {
    __syncthreads();
    store8(keys[line], unit, total);
    __syncthreads();
    int c = threadIdx.x;
    if (c < TILE && key_column + c < d) {
      float sum = 0;
      for (int i = 0; i < DEPTH; i++) {
        sum += ((const float*)keys[i])[c];
      }
      state[d * d + key_column + c] = sum;
    }
  }
}

/** Adds the states of all ranges to the first. One thread per element. */
KERNEL(256, linear_attention_merge, LinearAttention) {
  i64 n = (i64)p.heads * p.angles.head_dim * (p.angles.head_dim + 1), i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    float sum = p.states[i];
    for (int range = 1; range < p.ranges; range++) {
      sum += p.states[range * n + i];
    }
    p.states[i] = sum;
  }
}

/** Computes a tile of the output of a head, 64 tokens by 64 columns. blockIdx is (tile of tokens, head, tile of columns). */
KERNEL(256, linear_attention_apply, LinearAttention) {
  __shared__ float4 queries[DEPTH][PITCH];
  __shared__ float4 values[DEPTH][PITCH];
  __shared__ float factors[TILE];
  int d = p.angles.head_dim, head = blockIdx.y, value_column = blockIdx.z * TILE;
  const float* state = state_of(p, 0, head);
  i64 first = (i64)blockIdx.x * TILE;
  int count = (int)(p.tokens - first < TILE ? p.tokens - first : TILE);
  // A thread reads eight columns of the query of one of 64 tokens, and of one of 32 rows of the state.
  int q_unit = threadIdx.x % 4 * 8, q_line = threadIdx.x / 4, unit = threadIdx.x % 8 * 8, line = threadIdx.x / 8;
  i64 token = first + (q_line < count ? q_line : 0);
  i64 q_at = token * p.q_columns + (i64)head * d;
  float sums[4][4], divisor = 0;
#pragma unroll
  for (int r = 0; r < 4; r++) {
#pragma unroll
    for (int c = 0; c < 4; c++) {
      sums[r][c] = 0;
    }
  }
#pragma unroll 1
  for (int from = 0; from < d; from += DEPTH) {
    float q[8], z[8], v[8];
    int c = from + q_unit;
    get_positive(p.q, p.q_bf16, q_at + c, d - c, q);
    get8(state, 0, d * d + c, d - c, z);
    get8(state, 0, (from + line) * d + value_column + unit, from + line < d ? d - value_column - unit : 0, v);
#pragma unroll
    for (int e = 0; e < 8; e++) {
      divisor += q[e] * z[e];
    }
    rotate8(p, token, c, q);
    __syncthreads();
#pragma unroll
    for (int e = 0; e < 8; e++) {
      ((float*)queries[q_unit + e])[q_line] = q[e];
    }
    store8(values[line], unit, v);
    __syncthreads();
    multiply(queries, values, sums);
  }
  // Four threads share a token.
  divisor += __shfl_xor_sync(ALL_LANES, divisor, 1);
  divisor += __shfl_xor_sync(ALL_LANES, divisor, 2);
  if (q_unit == 0) {
    factors[q_line] = 1 / (divisor + 1e-15f);
  }
  __syncthreads();
  int row = threadIdx.x / 16 * 4, column = value_column + threadIdx.x % 16 * 4;
#pragma unroll
  for (int r = 0; r < 4; r++) {
    if (row + r < count) {
      float factor = factors[row + r];
      i64 at = (first + row + r) * ((i64)p.heads * d) + (i64)head * d + column;
      put2(p.out, p.out_bf16, at, d - column, sums[r][0] * factor, sums[r][1] * factor);
      put2(p.out, p.out_bf16, at + 2, d - column - 2, sums[r][2] * factor, sums[r][3] * factor);
    }
  }
}

#define D 128            // the padded head dimension of the kernels with matrix instructions
#define UNITS (D / 8)    // of 8 columns of a token
#define LINES (256 / UNITS)
#define PARTS (TILE / LINES)  // units of a thread: the same columns of tokens at a distance of LINES
#define APPLY_TILES 8    // tiles of 64 tokens to which a block applies a state

/** Loads a thread's units of a tile of tokens, with zeros beyond the tokens and the head dimension. */
DEVICE void load_units(const LinearAttention& p, const void* matrix, i64 columns, i64 first, i64 end, uint4* to) {
  int column = threadIdx.x % UNITS * 8, line = threadIdx.x / UNITS;
#pragma unroll
  for (int i = 0; i < PARTS; i++) {
    i64 token = first + line + i * LINES;
    to[i] = make_uint4(0, 0, 0, 0);
    if (token < end && column < p.angles.head_dim) {
      to[i] = *(const uint4*)((const u16*)matrix + token * columns + (i64)blockIdx.y * p.angles.head_dim + column);
    }
  }
}

/** Computes ReLU of a unit. */
DEVICE void unpack_positive(uint4 unit, float* v) {
  unpack8(unit, v);
#pragma unroll
  for (int e = 0; e < 8; e++) {
    v[e] = fmaxf(v[e], 0);
  }
}

/** Sums the state and the keys of a head over a range. blockIdx is (range, head). A warp has 16 rows of the state. */
KERNEL(256, linear_attention_states_bf16, LinearAttention) {
  __shared__ uint4 key_units[TILE * UNITS];
  __shared__ uint4 value_units[TILE * UNITS];
  u16* keys = (u16*)key_units;
  u16* values = (u16*)value_units;
  int d = p.angles.head_dim, lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
  int unit = threadIdx.x % UNITS, line = threadIdx.x / UNITS;
  i64 first = (i64)blockIdx.x * p.range, end = first + p.range < p.tokens ? first + p.range : p.tokens;
  float sums[D / 8][4], total[8];
#pragma unroll
  for (int i = 0; i < D / 8; i++) {
#pragma unroll
    for (int k = 0; k < 4; k++) {
      sums[i][k] = 0;
    }
  }
#pragma unroll
  for (int e = 0; e < 8; e++) {
    total[e] = 0;
  }
  uint4 k_next[PARTS], v_next[PARTS];
  load_units(p, p.k, p.k_columns, first, end, k_next);
  load_units(p, p.v, p.v_columns, first, end, v_next);
#pragma unroll 1
  for (; first < end; first += TILE) {
    // The previous tile is no longer used.
    __syncthreads();
#pragma unroll
    for (int i = 0; i < PARTS; i++) {
      int row = line + i * LINES;
      float k[8];
      unpack_positive(k_next[i], k);
#pragma unroll
      for (int e = 0; e < 8; e++) {
        total[e] += k[e];
      }
      rotate8(p, first + row < end ? first + row : 0, unit * 8, k);
      *(uint4*)(keys + place<D>(row, unit)) = pack8(k);
      *(uint4*)(values + place<D>(row, unit)) = v_next[i];
    }
    load_units(p, p.k, p.k_columns, first + TILE, end, k_next);
    load_units(p, p.v, p.v_columns, first + TILE, end, v_next);
    __syncthreads();
    if (warp * 16 < d) {
#pragma unroll 1
      for (int t = 0; t < TILE; t += 16) {
        u32 a[4];
        load_matrices_transposed(a, keys + place<D>(t + lane % 8 + lane / 16 * 8, warp * 2 + lane / 8 % 2));
#pragma unroll
        for (int i = 0; i < D / 16; i++) {
          u32 b[4];
          load_matrices_transposed(b, values + place<D>(t + lane % 16, i * 2 + lane / 16));
          mma_bf16(sums[2 * i], a, b);
          mma_bf16(sums[2 * i + 1], a, b + 2);
        }
      }
    }
  }
  float* state = state_of(p, blockIdx.x, blockIdx.y);
#pragma unroll
  for (int r = 0; r < 2; r++) {
    int row = warp * 16 + lane / 4 + r * 8;
#pragma unroll
    for (int i = 0; i < D / 8; i++) {
      int column = i * 8 + lane % 4 * 2;
      if (row < d) {
        put2(state, 0, row * d + column, d - column, sums[i][2 * r], sums[i][2 * r + 1]);
      }
    }
  }
  __syncthreads();
  float* totals = (float*)key_units;  // [LINES][D]
#pragma unroll
  for (int e = 0; e < 8; e++) {
    totals[line * D + unit * 8 + e] = total[e];
  }
  __syncthreads();
  int column = threadIdx.x;
  if (column < d) {
    float sum = 0;
    for (int i = 0; i < LINES; i++) {
      sum += totals[i * D + column];
    }
    state[d * d + column] = sum;
  }
}

/** Computes the output of a head for APPLY_TILES tiles of tokens. blockIdx is (tiles, head). A warp has 16 tokens and 64 columns. */
KERNEL(256, linear_attention_apply_bf16, LinearAttention) {
  DYNAMIC_SHARED(memory);
  u16* operand = (u16*)memory;              // [D][D]
  u16* queries = operand + D * D;           // [TILE][D]
  float* factors = (float*)(queries + TILE * D);  // [TILE]
  int d = p.angles.head_dim, lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
  int unit = threadIdx.x % UNITS, line = threadIdx.x / UNITS;
  int row = warp % 4 * 16, half = warp / 4;
  const float* state = state_of(p, 0, blockIdx.y);
  for (int i = line; i < D; i += LINES) {
    float v[8];
    get8(state, 0, i * d + unit * 8, i < d ? d - unit * 8 : 0, v);
    *(uint4*)(operand + place<D>(i, unit)) = pack8(v);
  }
  float z[8];
  get8(state, 0, d * d + unit * 8, d - unit * 8, z);
  i64 first = (i64)blockIdx.x * (APPLY_TILES * TILE), end = first + APPLY_TILES * TILE;
  end = end < p.tokens ? end : p.tokens;
  uint4 next[PARTS];
  load_units(p, p.q, p.q_columns, first, end, next);
#pragma unroll 1
  for (; first < end; first += TILE) {
    // The previous tile is no longer used.
    __syncthreads();
#pragma unroll
    for (int i = 0; i < PARTS; i++) {
      int at = line + i * LINES;
      float q[8], divisor = 0;
      unpack_positive(next[i], q);
#pragma unroll
      for (int e = 0; e < 8; e++) {
        divisor += q[e] * z[e];
      }
      // Half a warp shares a token.
#pragma unroll
      for (int offset = UNITS / 2; offset > 0; offset /= 2) {
        divisor += __shfl_xor_sync(ALL_LANES, divisor, offset);
      }
      if (unit == 0) {
        factors[at] = 1 / (divisor + 1e-15f);
      }
      rotate8(p, first + at < end ? first + at : 0, unit * 8, q);
      *(uint4*)(queries + place<D>(at, unit)) = pack8(q);
    }
    load_units(p, p.q, p.q_columns, first + TILE, end, next);
    __syncthreads();
    float sums[D / 16][4];
#pragma unroll
    for (int i = 0; i < D / 16; i++) {
#pragma unroll
      for (int k = 0; k < 4; k++) {
        sums[i][k] = 0;
      }
    }
#pragma unroll 1
    for (int k = 0; k * 16 < d; k++) {
      u32 a[4];
      load_matrices(a, queries + place<D>(row + lane % 16, k * 2 + lane / 16));
#pragma unroll
      for (int i = 0; i < D / 32; i++) {
        u32 b[4];
        load_matrices_transposed(b, operand + place<D>(k * 16 + lane % 16, half * (UNITS / 2) + i * 2 + lane / 16));
        mma_bf16(sums[2 * i], a, b);
        mma_bf16(sums[2 * i + 1], a, b + 2);
      }
    }
#pragma unroll
    for (int r = 0; r < 2; r++) {
      int at = row + lane / 4 + r * 8;
      if (first + at < end) {
        i64 out = (first + at) * ((i64)p.heads * d) + (i64)blockIdx.y * d;
#pragma unroll
        for (int i = 0; i < D / 16; i++) {
          int column = half * (D / 2) + i * 8 + lane % 4 * 2;
          put2(p.out, p.out_bf16, out + column, d - column, sums[i][2 * r] * factors[at], sums[i][2 * r + 1] * factors[at]);
        }
      }
    }
  }
}
