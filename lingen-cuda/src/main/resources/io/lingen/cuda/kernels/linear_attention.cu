// Linear attention in two passes over the tokens: the state of each head, S = sum of v (R k')^T, and z = sum of k'; then out =
// S R q' / (z . q' + 1e-15), with q' = ReLU(q), k' = ReLU(k), and R the rotation of a token. Sums are in F32.
//
// The tokens are divided into ranges. Each range has its own state, and the states are summed in order.
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
