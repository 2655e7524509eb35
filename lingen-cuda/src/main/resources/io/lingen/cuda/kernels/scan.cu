// The selective scan of Mamba2 in its chunked form (Dao & Gu, "Transformers are SSMs", 2024, section 6) on tensor cores.
//
// The first kernels process all tokens in parallel, in the order of the path: the convolution of x, B and C (scan_convolve), the
// sums of dt and the values derived from them (scan_factors), and the products of B and C within a chunk of 64 tokens, which all
// heads of a group share (scan_scores).
//
// Then each block scans one segment of the sequence for one head, chunk by chunk. Its state [P, n] is in registers, and the
// operands of the next chunk are being copied to shared memory. The sequence has enough segments to fill the device. First, each
// segment computes its final state for an initial state of 0 (scan_states). The states are carried from segment to segment
// (scan_carry). Then all segments run again from their initial states and write y (scan_emit).
#include "device.cuh"
#include "path.cuh"

struct Scan {
  const void* projection;  // [rows, columns]
  const float* conv_weight;  // [di + 2 G n, taps]
  const float* conv_bias;
  const float* dt_bias;
  const float* a_log;
  const float* d;
  u16* bc;        // [padded steps, 2, G, padded n]: B and C along the path, 0 beyond the sequence and the size of the state
  u16* x;         // [H, padded steps, HEAD]: x along the path, 0 beyond the sequence and the head dimension
  float* factors; // [H, chunks, 4, CHUNK]: see scan_factors
  float* scores;  // [chunks, G, BLOCKS, 2, WARP, 4]: see scan_scores
  int* rows;      // [padded steps]: rows of y, -1 in warm-up steps and beyond the sequence
  float* states;  // [segments, H, padded n / 8, 128, 4]: final, then initial states of segments, in the layout of registers
  float* decays;  // [segments, H]: the base-2 logarithm of the decay over a segment
  void* y;        // [cells, di]
  i64 columns;
  i64 x_column;
  i64 b_column;
  i64 c_column;
  i64 dt_column;
  int projection_bf16;
  int y_bf16;
  int heads;
  int head_dim;
  int state;
  int padded_state;
  int groups;
  int taps;
  int accumulate;
  int chunks;
  int segments;
  int chunks_per_segment;
  Path path;
};

#define CHUNK 64
#define HEAD 64
#define BLOCKS 10  // of 16x16, on and below the diagonal of the matrix of a chunk
#define X_PITCH (HEAD + 8)

/** Returns the row i of a block, where block (i, j), j <= i, has the number i (i + 1) / 2 + j. */
DEVICE int block_row(int block) { return (block >= 1) + (block >= 3) + (block >= 6); }

/**
 * Convolves x, B and C along the path, in BF16, with zeros beyond the sequence, the head dimension and the size of the state. A
 * block has a chunk of steps. A thread has 8 channels and a sliding window over the steps. Filters are padded with zeros to TAPS.
 */
template <int TAPS>
DEVICE void convolve(const Scan& p) {
  const int GROUP = 4;  // steps at a time; the next group is prefetched
  __shared__ int rows[CHUNK + TAPS - 1];
  int start = blockIdx.x * CHUNK, steps = p.path.steps();
  for (int i = threadIdx.x; i < CHUNK + TAPS - 1; i += blockDim.x) {
    int step = start - (TAPS - 1) + i;
    rows[i] = step >= 0 && step < steps ? p.path.row(step) : -1;
  }
  __syncthreads();
  int unit = blockIdx.y * blockDim.x + threadIdx.x;
  int x_units = p.heads * (HEAD / 8);
  int width = p.groups * p.padded_state;
  int channel, count;
  i64 column, stride;
  u16* to;
  if (unit < x_units) {
    int head = unit / (HEAD / 8), c = unit % (HEAD / 8) * 8;
    channel = head * p.head_dim + c;
    count = p.head_dim - c;
    column = p.x_column + channel;
    to = p.x + ((i64)head * p.chunks * CHUNK + start) * HEAD + c;
    stride = HEAD;
  } else {
    int i = (unit - x_units) * 8;
    if (i >= 2 * width) {
      return;
    }
    int is_c = i >= width;
    int group = (i - is_c * width) / p.padded_state, n = i % p.padded_state;
    int at = group * p.state + n;
    channel = p.heads * p.head_dim + is_c * p.groups * p.state + at;
    count = p.state - n;
    column = (is_c ? p.c_column : p.b_column) + at;
    stride = 2 * width;
    to = p.bc + start * stride + i;
  }
  float filter[TAPS][8], bias[8];
#pragma unroll
  for (int e = 0; e < 8; e++) {
    bias[e] = e < count ? p.conv_bias[channel + e] : 0;
#pragma unroll
    for (int tap = 0; tap < TAPS; tap++) {
      int from = tap - (TAPS - p.taps);
      filter[tap][e] = from >= 0 && e < count ? p.conv_weight[(i64)(channel + e) * p.taps + from] : 0;
    }
  }
  const u16* from = (const u16*)p.projection + column;
  bool direct = count >= 8 && p.columns % 8 == 0 && is_aligned(from);
  auto load = [&](int i) {
    int row = rows[i];
    uint4 words = make_uint4(0, 0, 0, 0);
    if (row >= 0) {
      const u16* at = from + row * p.columns;
      if (direct) {
        words = *(const uint4*)at;
      } else {
        u32 pairs[4];
#pragma unroll
        for (int e = 0; e < 4; e++) {
          pairs[e] = (2 * e < count ? at[2 * e] : 0) | (u32)(2 * e + 1 < count ? at[2 * e + 1] : 0) << 16;
        }
        words = make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
      }
    }
    return words;
  };
  // The sliding window: the steps before the group, oldest first, then the group.
  float v[TAPS - 1 + GROUP][8];
#pragma unroll
  for (int i = 0; i < TAPS - 1; i++) {
    unpack8(load(i), v[i]);
  }
  uint4 next[GROUP];
#pragma unroll
  for (int i = 0; i < GROUP; i++) {
    next[i] = load(TAPS - 1 + i);
  }
#pragma unroll 1
  for (int first = 0; first < CHUNK; first += GROUP) {
#pragma unroll
    for (int i = 0; i < GROUP; i++) {
      unpack8(next[i], v[TAPS - 1 + i]);
    }
    if (first + GROUP < CHUNK) {
#pragma unroll
      for (int i = 0; i < GROUP; i++) {
        next[i] = load(TAPS - 1 + first + GROUP + i);
      }
    }
#pragma unroll
    for (int i = 0; i < GROUP; i++) {
      float sums[8];
#pragma unroll
      for (int e = 0; e < 8; e++) {
        float sum = bias[e];
#pragma unroll
        for (int tap = 0; tap < TAPS; tap++) {
          sum += filter[tap][e] * v[i + tap][e];
        }
        sums[e] = start + first + i < steps ? silu_fast(sum) : 0;
      }
      *(uint4*)(to + (first + i) * stride) = pack8(sums);
    }
#pragma unroll
    for (int i = 0; i < TAPS - 1; i++) {
#pragma unroll
      for (int e = 0; e < 8; e++) {
        v[i][e] = v[i + GROUP][e];
      }
    }
  }
}

// Names end in the largest number of taps. With blocks of 96 threads, registers allow 15 resident warps.
KERNEL(96, scan_convolve_4, Scan) { convolve<4>(p); }
KERNEL(96, scan_convolve_8, Scan) { convolve<8>(p); }

#define FACTOR_HEADS 32

/**
 * Computes the factors of a chunk and a head. With s the inclusive sums of dt A log2(e) from the start of the chunk, they are s, s
 * - log2(dt), 2^s and 2^(s_last - s) dt. Beyond the sequence, dt is 0: no decay and no input. One block per chunk and 32 heads. The
 * first block of a chunk also writes its rows.
 */
KERNEL(256, scan_factors, Scan) {
  __shared__ float dts[FACTOR_HEADS][CHUNK + 1];
  int chunk = blockIdx.x, first = blockIdx.y * FACTOR_HEADS;
  int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
  const int WARPS = 256 / WARP;
  int steps = p.path.steps();
#pragma unroll
  for (int i = 0; i < CHUNK / WARPS; i++) {
    int token = i * WARPS + warp;
    int step = chunk * CHUNK + token;
    i64 row = step < steps ? p.path.row(step) : -1;
    int head = first + lane;
    float dt = 0;
    if (row >= 0 && head < p.heads) {
      dt = softplus(get(p.projection, p.projection_bf16, row * p.columns + p.dt_column + head) + p.dt_bias[head]);
    }
    dts[lane][token] = dt;
    if (first == 0 && lane == 0) {
      p.rows[step] = step < steps && step >= p.path.warm_up() ? (int)row - p.path.prefix_cells : -1;
    }
  }
  __syncthreads();
  for (int i = warp; i < FACTOR_HEADS && first + i < p.heads; i += WARPS) {
    int head = first + i;
    const float LOG2E = 1.4426950408889634f;
    float a = -expf(p.a_log[head]) * LOG2E;
    // Two tokens per lane.
    float dt[2] = {dts[i][2 * lane], dts[i][2 * lane + 1]};
    float sum = (dt[0] + dt[1]) * a;
#pragma unroll
    for (int offset = 1; offset < WARP; offset *= 2) {
      float before = __shfl_up_sync(ALL_LANES, sum, offset);
      sum += lane >= offset ? before : 0;
    }
    float last = __shfl_sync(ALL_LANES, sum, WARP - 1);
    float s[2] = {sum - dt[1] * a, sum};
    float2* to = (float2*)(p.factors + ((i64)head * p.chunks + chunk) * 4 * CHUNK) + lane;
    to[0] = make_float2(s[0], s[1]);
    to[CHUNK / 2] = make_float2(s[0] - log2f(dt[0]), s[1] - log2f(dt[1]));
    to[CHUNK] = make_float2(exp2f(s[0]), exp2f(s[1]));
    to[CHUNK / 2 * 3] = make_float2(exp2f(last - s[0]) * dt[0], exp2f(last - s[1]) * dt[1]);
  }
}

/**
 * Computes C_i . B_j for j <= i within a chunk, in the register layout of a left operand: for each 16x16 block twice 4 elements per
 * lane, first of the columns below 8, then of the others. One thread block per chunk and group.
 */
template <int N>
DEVICE void score(const Scan& p) {
  DYNAMIC_SHARED(memory);
  const int PITCH = N + 8;
  u16* b = (u16*)memory;        // [CHUNK][PITCH]
  u16* c = b + CHUNK * PITCH;   // [CHUNK][PITCH]
  int thread = threadIdx.x, lane = thread % WARP, warp = thread / WARP;
  i64 width = (i64)p.groups * p.padded_state;
  const u16* from = p.bc + blockIdx.x * CHUNK * 2 * width + blockIdx.y * N;
  for (int i = thread; i < CHUNK * (N / 8); i += 128) {
    int token = i / (N / 8), n = i % (N / 8) * 8;
    copy_async(b + token * PITCH + n, from + token * 2 * width + n);
    copy_async(c + token * PITCH + n, from + token * 2 * width + width + n);
  }
  commit_copies();
  wait_copies<0>();
  __syncthreads();
  u32 left[N / 16][4];
#pragma unroll
  for (int k = 0; k < N / 16; k++) {
    load_matrices(left[k], c + (warp * 16 + lane % 16) * PITCH + k * 16 + lane / 16 * 8);
  }
  float* to = p.scores + ((i64)blockIdx.x * p.groups + blockIdx.y) * BLOCKS * 8 * WARP + lane * 4;
#pragma unroll 1
  for (int j = 0; j <= warp; j++) {
    float scores[2][4] = {{0, 0, 0, 0}, {0, 0, 0, 0}};
#pragma unroll
    for (int k = 0; k < N / 16; k++) {
      u32 right[4];
      load_matrices(right, b + (j * 16 + lane % 8 + lane / 16 * 8) * PITCH + k * 16 + lane / 8 % 2 * 8);
      mma_bf16(scores[0], left[k], right);
      mma_bf16(scores[1], left[k], right + 2);
    }
    int block = warp * (warp + 1) / 2 + j;
#pragma unroll
    for (int i = 0; i < 2; i++) {
      *(float4*)(to + (block * 2 + i) * 4 * WARP) = make_float4(scores[i][0], scores[i][1], scores[i][2], scores[i][3]);
    }
  }
}

KERNEL(128, scan_scores_16, Scan) { score<16>(p); }
KERNEL(128, scan_scores_32, Scan) { score<32>(p); }
KERNEL(128, scan_scores_64, Scan) { score<64>(p); }
KERNEL(128, scan_scores_128, Scan) { score<128>(p); }

/**
 * Scans one segment of one head. N is the padded size of the state. A warp has 16 columns of the head, in x, in y and in the state.
 * The registers of the state, rounded to BF16, are the right operand of C . state. Those of x are the right operand of the product
 * for y, and the left operand of the product for the state.
 */
template <int N, bool EMIT>
DEVICE void scan(const Scan& p) {
  DYNAMIC_SHARED(memory);
  const int PITCH = N + 8;
  // Layout: two stages of x, B, C, factors and rows, then the matrix of the weights of x in the chunk.
  const int C_AT = CHUNK * (X_PITCH + PITCH);                        // in u16, from the start of a stage
  const int FACTORS_AT = C_AT + (EMIT ? CHUNK * PITCH : 0);
  const int ROWS_AT = FACTORS_AT + 4 * CHUNK * 2;
  const int STAGE = ROWS_AT + (EMIT ? CHUNK * 2 : 0);
  u16* stages = (u16*)memory;
  uint4* square = (uint4*)(stages + 2 * STAGE);  // [BLOCKS][WARP], in the layout of registers
  int thread = threadIdx.x, lane = thread % WARP, warp = thread / WARP;
  int head = blockIdx.x, segment = blockIdx.y;
  int group = head / (p.heads / p.groups);
  i64 bc_pitch = 2 * (i64)p.groups * N;
  int first = segment * p.chunks_per_segment;
  int end = min(p.chunks, first + p.chunks_per_segment);
  const u16* xs = p.x + (i64)head * p.chunks * CHUNK * HEAD + thread * 8;
  const u16* bs = p.bc + (i64)group * N + thread / (N / 8) * bc_pitch + thread % (N / 8) * 8;
  const float* factors = p.factors + (i64)head * p.chunks * 4 * CHUNK + thread * 4;
  auto load = [&](int chunk) {
    u16* to = stages + chunk % 2 * STAGE;
    const u16* from = xs + (i64)chunk * CHUNK * HEAD;
#pragma unroll
    for (int i = 0; i < CHUNK * HEAD / 8 / 128; i++) {
      copy_async(to + (i * 16 + thread / 8) * X_PITCH + thread % 8 * 8, from + i * 16 * HEAD);
    }
    const int TOKENS = 128 / (N / 8);  // at a time
    u16* b = to + CHUNK * X_PITCH + thread / (N / 8) * PITCH + thread % (N / 8) * 8;
    from = bs + (i64)chunk * CHUNK * bc_pitch;
#pragma unroll
    for (int i = 0; i < CHUNK; i += TOKENS) {
      copy_async(b + i * PITCH, from);
      if (EMIT) {
        copy_async(b + C_AT - CHUNK * X_PITCH + i * PITCH, from + bc_pitch / 2);
      }
      from += TOKENS * bc_pitch;
    }
    if (thread < CHUNK) {
      copy_async(to + FACTORS_AT + thread * 8, factors + (i64)chunk * 4 * CHUNK);
    } else if (EMIT && thread < CHUNK + CHUNK / 4) {
      copy_async(to + ROWS_AT + (thread - CHUNK) * 8, p.rows + chunk * CHUNK + (thread - CHUNK) * 4);
    }
  };

  float state[N / 8][4];
  float4* kept = (float4*)p.states + ((i64)segment * p.heads + head) * (N / 8) * 128 + thread;
#pragma unroll
  for (int i = 0; i < N / 8; i++) {
    float4 v = EMIT && p.segments > 1 ? kept[i * 128] : make_float4(0, 0, 0, 0);
    state[i][0] = v.x;
    state[i][1] = v.y;
    state[i][2] = v.z;
    state[i][3] = v.w;
  }
  i64 di = (i64)p.heads * p.head_dim;
  // Whether pairs of neighboring elements can be read and written in one access.
  bool paired = p.y_bf16 && p.head_dim % 2 == 0 && is_aligned(p.y);
  u16* pairs = (u16*)p.y + (i64)head * p.head_dim + warp * 16 + lane % 4 * 2;
  float decay_sum = 0;

  load(first);
  commit_copies();
#pragma unroll 1
  for (int chunk = first; chunk < end; chunk++) {
    wait_copies<0>();
    // The operands of this chunk are complete, and those of the previous one are no longer used.
    __syncthreads();
    if (chunk + 1 < end) {
      load(chunk + 1);
      commit_copies();
    }
    const u16* x = stages + chunk % 2 * STAGE;
    const u16* b = x + CHUNK * X_PITCH;
    const u16* c = x + C_AT;
    const float* s = (const float*)(x + FACTORS_AT);
    u32 inputs[CHUNK / 16][4];
#pragma unroll
    for (int j = 0; j < CHUNK / 16; j++) {
      load_matrices_transposed(inputs[j], x + (j * 16 + lane % 16) * X_PITCH + warp * 16 + lane / 16 * 8);
    }

    if (EMIT && (chunk + 1) * CHUNK > p.path.warm_up()) {
      const int* rows = (const int*)(x + ROWS_AT);
      // Prefetch from memory.
      float4 scores[3][2];
#pragma unroll
      for (int i = 0; i < 3; i++) {
        int block = i * 4 + warp;
        if (block < BLOCKS) {
          const float4* from = (const float4*)p.scores + (((i64)chunk * p.groups + group) * BLOCKS + block) * 2 * WARP + lane;
          scores[i][0] = from[0];
          scores[i][1] = from[WARP];
        }
      }
      u32 before[CHUNK / 16][4];
      if (p.accumulate && paired) {
#pragma unroll
        for (int i = 0; i < CHUNK / 16; i++) {
#pragma unroll
          for (int k = 0; k < 4; k++) {
            int row = rows[i * 16 + lane / 4 + k / 2 * 8];
            bool reads = row >= 0 && warp * 16 + k % 2 * 8 + lane % 4 * 2 < p.head_dim;
            before[i][k] = reads ? *(const u32*)(pairs + row * di + k % 2 * 8) : 0;
          }
        }
      }
      // exp(s_i) C_i . state before the chunk
      float y[CHUNK / 16][2][4];
#pragma unroll
      for (int i = 0; i < CHUNK / 16; i++) {
#pragma unroll
        for (int k = 0; k < 4; k++) {
          y[i][0][k] = y[i][1][k] = 0;
        }
      }
#pragma unroll
      for (int k = 0; k < N / 16; k++) {
        u32 right[4] = {
            pack_bf16(state[2 * k][0], state[2 * k][1]), pack_bf16(state[2 * k + 1][0], state[2 * k + 1][1]),
            pack_bf16(state[2 * k][2], state[2 * k][3]), pack_bf16(state[2 * k + 1][2], state[2 * k + 1][3])};
#pragma unroll
        for (int i = 0; i < CHUNK / 16; i++) {
          u32 left[4];
          load_matrices(left, c + (i * 16 + lane % 16) * PITCH + k * 16 + lane / 16 * 8);
          mma_bf16(y[i][0], left, right);
          mma_bf16(y[i][1], left, right + 2);
        }
      }
      // The weights of tokens j <= i of the chunk: C_i . B_j exp(s_i - s_j) dt_j. The warps share the blocks.
#pragma unroll
      for (int i = 0; i < 3; i++) {
        int block = i * 4 + warp;
        if (block < BLOCKS) {
          int row = block_row(block);
          int to = row * 16 + lane / 4;
          int from = (block - row * (row + 1) / 2) * 16 + lane % 4 * 2;
          float own[2] = {s[to], s[to + 8]};
          u32 words[4];
#pragma unroll
          for (int t = 0; t < 2; t++) {
            float v[4] = {scores[i][t].x, scores[i][t].y, scores[i][t].z, scores[i][t].w};
#pragma unroll
            for (int k = 0; k < 4; k++) {
              int j = from + t * 8 + k % 2;
              // Not exp(s_i) exp(-s_j), which overflows.
              float weight = exp2_fast(own[k / 2] - s[CHUNK + j]);
              v[k] = j <= to + k / 2 * 8 ? v[k] * weight : 0;
            }
            words[2 * t] = pack_bf16(v[0], v[1]);
            words[2 * t + 1] = pack_bf16(v[2], v[3]);
          }
          square[block * WARP + lane] = make_uint4(words[0], words[1], words[2], words[3]);
        }
      }
#pragma unroll
      for (int i = 0; i < CHUNK / 16; i++) {
#pragma unroll
        for (int k = 0; k < 4; k++) {
          float factor = s[2 * CHUNK + i * 16 + lane / 4 + k / 2 * 8];
          y[i][0][k] *= factor;
          y[i][1][k] *= factor;
        }
      }
      __syncthreads();
#pragma unroll
      for (int i = 0; i < CHUNK / 16; i++) {
#pragma unroll
        for (int j = 0; j <= i; j++) {
          uint4 words = square[(i * (i + 1) / 2 + j) * WARP + lane];
          u32 left[4] = {words.x, words.y, words.z, words.w};
          mma_bf16(y[i][0], left, inputs[j]);
          mma_bf16(y[i][1], left, inputs[j] + 2);
        }
      }
      float skip = p.d[head];
#pragma unroll
      for (int i = 0; i < CHUNK / 16; i++) {
#pragma unroll
        for (int k = 0; k < 4; k++) {
          u32 own = *(const u32*)(x + (i * 16 + lane / 4 + k / 2 * 8) * X_PITCH + warp * 16 + k % 2 * 8 + lane % 4 * 2);
          y[i][k % 2][k / 2 * 2] += skip * __uint_as_float(own << 16);
          y[i][k % 2][k / 2 * 2 + 1] += skip * __uint_as_float(own & 0xffff0000u);
        }
      }
      if (paired) {
#pragma unroll
        for (int i = 0; i < CHUNK / 16; i++) {
#pragma unroll
          for (int k = 0; k < 4; k++) {
            int row = rows[i * 16 + lane / 4 + k / 2 * 8];
            int column = warp * 16 + k % 2 * 8 + lane % 4 * 2;
            float low = y[i][k % 2][k / 2 * 2], high = y[i][k % 2][k / 2 * 2 + 1];
            if (p.accumulate) {
              low += __uint_as_float(before[i][k] << 16);
              high += __uint_as_float(before[i][k] & 0xffff0000u);
            }
            if (row >= 0 && column < p.head_dim) {
              *(u32*)(pairs + row * di + k % 2 * 8) = pack_bf16(low, high);
            }
          }
        }
      } else {
#pragma unroll
        for (int i = 0; i < CHUNK / 16; i++) {
#pragma unroll
          for (int k = 0; k < 8; k++) {
            int row = rows[i * 16 + lane / 4 + k / 4 * 8];
            int column = warp * 16 + k / 2 % 2 * 8 + lane % 4 * 2 + k % 2;
            if (row >= 0 && column < p.head_dim) {
              i64 at = row * di + (i64)head * p.head_dim + column;
              float v = y[i][k / 2 % 2][k / 4 * 2 + k % 2];
              put(p.y, p.y_bf16, at, p.accumulate ? v + get(p.y, p.y_bf16, at) : v);
            }
          }
        }
      }
    }

    // state = exp(s_last) state + sum over j of x_j exp(s_last - s_j) dt_j B_j^T
    float decay = s[3 * CHUNK - 1];
    decay_sum += s[CHUNK - 1];
#pragma unroll
    for (int i = 0; i < N / 8; i++) {
#pragma unroll
      for (int k = 0; k < 4; k++) {
        state[i][k] *= decay;
      }
    }
#pragma unroll
    for (int j = 0; j < CHUNK / 16; j++) {
      u32 left[4];
#pragma unroll
      for (int k = 0; k < 2; k++) {
        float2 weight = *(const float2*)(s + 3 * CHUNK + j * 16 + k * 8 + lane % 4 * 2);
#pragma unroll
        for (int i = 0; i < 2; i++) {
          u32 own = inputs[j][2 * i + k];
          left[2 * k + i] = pack_bf16(
              __uint_as_float(own << 16) * weight.x, __uint_as_float(own & 0xffff0000u) * weight.y);
        }
      }
#pragma unroll
      for (int i = 0; i < N / 16; i++) {
        u32 right[4];
        load_matrices_transposed(right, b + (j * 16 + lane % 16) * PITCH + i * 16 + lane / 16 * 8);
        mma_bf16(state[2 * i], left, right);
        mma_bf16(state[2 * i + 1], left, right + 2);
      }
    }
  }
  if (!EMIT) {
#pragma unroll
    for (int i = 0; i < N / 8; i++) {
      kept[i * 128] = make_float4(state[i][0], state[i][1], state[i][2], state[i][3]);
    }
    if (thread == 0) {
      p.decays[(i64)segment * p.heads + head] = decay_sum;
    }
  }
}

KERNEL(128, scan_states_16, Scan) { scan<16, false>(p); }
KERNEL(128, scan_states_32, Scan) { scan<32, false>(p); }
KERNEL(128, scan_states_64, Scan) { scan<64, false>(p); }
KERNEL_RESIDENT(128, 4, scan_states_128, Scan) { scan<128, false>(p); }
KERNEL(128, scan_emit_16, Scan) { scan<16, true>(p); }
KERNEL(128, scan_emit_32, Scan) { scan<32, true>(p); }
KERNEL_RESIDENT(128, 2, scan_emit_64, Scan) { scan<64, true>(p); }
KERNEL_RESIDENT(128, 2, scan_emit_128, Scan) { scan<128, true>(p); }

/**
 * Computes the initial state of each segment from the final states of the segments before it. One thread per element of the state
 * of a head.
 */
KERNEL(256, scan_carry, Scan) {
  int width = HEAD * p.padded_state;
  i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  i64 all = (i64)p.heads * width;
  if (i >= all) {
    return;
  }
  int head = (int)(i / width);
  float state = 0;
  float left = p.states[i];
  for (int segment = 0; segment < p.segments; segment++) {
    float* at = p.states + segment * all + i;
    // Prefetch the state of the next segment.
    float next = segment + 2 < p.segments ? at[all] : 0;
    *at = state;
    if (segment + 1 < p.segments) {
      state = exp2f(p.decays[(i64)segment * p.heads + head]) * state + left;
    }
    left = next;
  }
}
